#include "textflag.h"

// The interpreter, as in interp_amd64.s.
//
//	R19  dataBase: 0 status descriptor, 8 report {index, kind, value}, 64 registers
//	R20  the instruction
//	R21  the registers
//	R0-R5  its arguments, R8 the number of the call
TEXT ·interpreter(SB), NOSPLIT|NOFRAME, $0
	MOVD $0x20000000, R19
	ADD  $4096, R19, R20
	ADD  $64, R19, R21

next:
	MOVD  16(R20), R0
	MOVD  24(R20), R1
	MOVD  32(R20), R2
	MOVD  40(R20), R3
	MOVD  48(R20), R4
	MOVD  56(R20), R5
	MOVBU 4(R20), R9

	TBZ  $0, R9, 2(PC)
	MOVD (R21)(R0<<3), R0
	TBZ  $1, R9, 2(PC)
	MOVD (R21)(R1<<3), R1
	TBZ  $2, R9, 2(PC)
	MOVD (R21)(R2<<3), R2
	TBZ  $3, R9, 2(PC)
	MOVD (R21)(R3<<3), R3
	TBZ  $4, R9, 2(PC)
	MOVD (R21)(R4<<3), R4
	TBZ  $5, R9, 2(PC)
	MOVD (R21)(R5<<3), R5

	MOVW 0(R20), R8
	CMP  $0, R8
	BLT  own
	SVC
	CMN  $4095, R0
	BCS  failed

store:
	MOVBU 5(R20), R9
	MOVD  R0, (R21)(R9<<3)

advance:
	ADD $64, R20
	B   next

failed:
	NEG R0, R0
	CMP $4, R0
	BEQ next
	CMP $11, R0
	BNE tolerated
	CMP $437, R8
	BEQ next

tolerated:
	MOVBU 5(R20), R9
	MOVD  R0, (R21)(R9<<3)
	MOVW  12(R20), R9
	CBZ  R9, jump
	CMP  R9, R0
	BNE  fail

jump:
	MOVW 8(R20), R9
	CBZ  R9, fail
	LSL  $6, R9, R9
	ADD  $4096, R19, R20
	ADD  R9, R20, R20
	B    next

fail:
	MOVD ZR, R1

failAs:
	MOVD $1, R22
	B    report

own:
	CMN $1, R8
	BEQ jump
	CMN $2, R8
	BEQ jumpZero
	CMN $3, R8
	BEQ store32
	CMN $4, R8
	BEQ load32
	CMN $5, R8
	BEQ failAs
	CMN $7, R8
	BEQ subtract
	MOVD ZR, R22

report:
	SUB  R19, R20, R9
	SUB  $4096, R9, R9
	LSR  $6, R9, R9
	MOVW R9, 8(R19)
	MOVW R1, 12(R19)
	MOVD R0, 16(R19)
	MOVD 0(R19), R0
	ADD  $8, R19, R1
	MOVD $16, R2
	MOVD $64, R8 // write
	SVC
	CBZ  R22, advance
	MOVD $127, R0
	MOVD $94, R8 // exit_group
	SVC

jumpZero:
	CBZ R0, jump
	B   advance

store32:
	MOVW R1, (R0)
	B    advance

load32:
	MOVWU (R0), R0
	B     store

subtract:
	SUB R1, R0, R0
	B   store

	// The marker that ends the text.
	WORD $0x41470b0f; WORD $0x5952544e

TEXT ·interpreterAddress(SB), NOSPLIT, $0-8
	MOVD $·interpreter(SB), R0
	MOVD R0, ret+0(FP)
	RET
