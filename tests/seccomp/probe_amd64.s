#include "textflag.h"

// The probe: the init of a container that makes the calls of a table, each in a
// child of its own, and writes down what became of it. It is a program of its
// own, copied into an ELF file; where code and table lie, and what an entry of
// the table holds, is said in probe_test.go.
//
//	BX   the table
//	R12  the entry
//	R13  entries left
TEXT ·probe(SB), NOSPLIT|NOFRAME, $0
	MOVQ $257, AX           // openat /table, O_RDWR
	MOVQ $-100, DI
	MOVQ $0x20000040, SI
	MOVQ $2, DX
	SYSCALL
	MOVQ AX, R8
	MOVQ $9, AX             // mmap it, shared
	MOVQ $0x30000000, DI
	MOVQ $0x100000, SI
	MOVQ $3, DX
	MOVQ $0x11, R10
	XORL R9, R9
	SYSCALL
	MOVQ $13, AX            // rt_sigaction SIGSYS
	MOVQ $31, DI
	MOVQ $0x20000000, SI
	XORL DX, DX
	MOVQ $8, R10
	SYSCALL
	MOVQ $0x30000000, BX
	MOVQ 0(BX), R13
	MOVQ BX, R12

next:
	ADDQ  $128, R12
	TESTQ R13, R13
	JEQ   end
	DECQ  R13
	MOVQ  $56, AX           // clone
	MOVQ  $17, DI
	XORL  SI, SI
	XORL  DX, DX
	XORL  R10, R10
	XORL  R8, R8
	SYSCALL
	TESTQ AX, AX
	JEQ   child
	MOVQ  AX, DI
	LEAQ  80(R12), SI
	MOVQ  $61, AX           // wait4
	XORL  DX, DX
	XORL  R10, R10
	SYSCALL
	JMP   next

child:
	CMPQ 0(R12), $0
	JNE  narrow
	MOVQ 8(R12), AX
	MOVQ 16(R12), DI
	MOVQ 24(R12), SI
	MOVQ 32(R12), DX
	MOVQ 40(R12), R10
	MOVQ 48(R12), R8
	MOVQ 56(R12), R9
	SYSCALL
	MOVQ AX, 64(R12)
	JMP  done

narrow:
	MOVQ 8(R12), AX
	MOVQ 16(R12), BX
	MOVQ 24(R12), CX
	MOVQ 32(R12), DX
	MOVQ 40(R12), SI
	MOVQ 48(R12), DI
	MOVQ 56(R12), BP
	INT  $0x80
	MOVLQSX AX, AX
	MOVQ AX, 64(R12)

done:
	MOVQ $1, 72(R12)
	XORL DI, DI
	MOVQ $60, AX            // exit
	SYSCALL

end:
	XORL DI, DI
	MOVQ $231, AX           // exit_group
	SYSCALL

	// The handler of SIGSYS: the action was trap.
	BYTE $0x0f; BYTE $0x0b; BYTE $'T'; BYTE $'R'; BYTE $'A'; BYTE $'P'
	MOVQ $2, 72(R12)
	XORL DI, DI
	MOVQ $60, AX
	SYSCALL

	// The marker that ends the text.
	BYTE $0x0f; BYTE $0x0b; BYTE $'E'; BYTE $'N'; BYTE $'D'; BYTE $'E'; BYTE $'D'

TEXT ·probeAddress(SB), NOSPLIT, $0-8
	LEAQ ·probe(SB), AX
	MOVQ AX, ret+0(FP)
	RET
