#include "textflag.h"

// The interpreter: walks the list of instructions at dataBase+4096, in a
// process of its own. It calls nothing, uses no stack and no Go runtime, and
// reaches its data by absolute addresses, so its bytes run wherever they are
// copied to.
//
//	BX   dataBase: 0 status descriptor, 8 report {index, kind, value}, 64 registers
//	R12  the instruction
//	DI SI DX R10 R8 R9   its arguments, as the kernel wants them
TEXT ·interpreter(SB), NOSPLIT|NOFRAME, $0
	MOVQ $0x20000000, BX
	LEAQ 4096(BX), R12

next:
	MOVQ    16(R12), DI
	MOVQ    24(R12), SI
	MOVQ    32(R12), DX
	MOVQ    40(R12), R10
	MOVQ    48(R12), R8
	MOVQ    56(R12), R9
	MOVBLZX 4(R12), R13

	// Arguments that are numbers of registers become their values.
	BTL  $0, R13
	JCC  2(PC)
	MOVQ 64(BX)(DI*8), DI
	BTL  $1, R13
	JCC  2(PC)
	MOVQ 64(BX)(SI*8), SI
	BTL  $2, R13
	JCC  2(PC)
	MOVQ 64(BX)(DX*8), DX
	BTL  $3, R13
	JCC  2(PC)
	MOVQ 64(BX)(R10*8), R10
	BTL  $4, R13
	JCC  2(PC)
	MOVQ 64(BX)(R8*8), R8
	BTL  $5, R13
	JCC  2(PC)
	MOVQ 64(BX)(R9*8), R9

	MOVLQSX 0(R12), AX
	TESTQ   AX, AX
	JLT     own
	SYSCALL
	CMPQ    AX, $-4095
	JCC     failed

store:
	MOVBLZX 5(R12), R13
	MOVQ    AX, 64(BX)(R13*8)

advance:
	ADDQ $64, R12
	JMP  next

failed:
	NEGQ AX
	CMPQ AX, $4 // EINTR: again
	JEQ  next
	CMPQ AX, $11 // EAGAIN of openat2: a rename raced with the walk, again
	JNE  tolerated
	CMPL 0(R12), $437
	JEQ  next

tolerated:
	MOVBLZX 5(R12), R13
	MOVQ    AX, 64(BX)(R13*8)
	MOVLQSX 12(R12), R13
	TESTQ   R13, R13
	JEQ     jump
	CMPQ    AX, R13
	JNE     fail

jump:
	MOVLQSX 8(R12), R13
	TESTQ   R13, R13
	JEQ     fail
	SHLQ    $6, R13
	LEAQ    4096(BX)(R13*1), R12
	JMP     next

fail:
	MOVQ AX, DI
	XORL SI, SI

failAs:
	MOVQ $1, R14
	JMP  report

own:
	CMPQ AX, $-1
	JEQ  jump
	CMPQ AX, $-2
	JEQ  jumpZero
	CMPQ AX, $-3
	JEQ  store32
	CMPQ AX, $-4
	JEQ  load32
	CMPQ AX, $-5
	JEQ  failAs
	CMPQ AX, $-7
	JEQ  subtract
	XORL R14, R14

report:
	MOVQ    R12, DX
	SUBQ    BX, DX
	SUBQ    $4096, DX
	SHRQ    $6, DX
	MOVL    DX, 8(BX)
	MOVL    SI, 12(BX)
	MOVQ    DI, 16(BX)
	MOVQ    0(BX), DI
	LEAQ    8(BX), SI
	MOVQ    $16, DX
	MOVQ    $1, AX // write
	SYSCALL
	TESTQ   R14, R14
	JEQ     advance
	MOVQ    $127, DI
	MOVQ    $231, AX // exit_group
	SYSCALL

jumpZero:
	TESTQ DI, DI
	JEQ   jump
	JMP   advance

store32:
	MOVL SI, (DI)
	JMP  advance

load32:
	MOVLQZX (DI), AX
	JMP     store

subtract:
	MOVQ DI, AX
	SUBQ SI, AX
	JMP  store

	// The marker that ends the text.
	BYTE $0x0f; BYTE $0x0b; BYTE $'G'; BYTE $'A'; BYTE $'N'; BYTE $'T'; BYTE $'R'; BYTE $'Y'

TEXT ·interpreterAddress(SB), NOSPLIT, $0-8
	LEAQ ·interpreter(SB), AX
	MOVQ AX, ret+0(FP)
	RET
