#include "textflag.h"

// The signals of held as a sigset_t, and no time as a timespec.
DATA heldSet<>+0(SB)/8, $0x4027
GLOBL heldSet<>(SB), RODATA|NOPTR, $8
GLOBL noTime<>(SB), RODATA|NOPTR, $16

// The handler of Hold, called by the kernel: DI is the signal, DX the context
// that sigreturn(2) takes up again; uc_sigmask is at 296 there.
TEXT ·holder(SB), NOSPLIT|NOFRAME, $0
	MOVL DI, SI
	LEAL -1(DI), CX
	MOVQ 296(DX), AX
	BTSQ CX, AX
	MOVQ AX, 296(DX)
	MOVL $39, AX // getpid
	SYSCALL
	MOVL AX, DI
	MOVL $62, AX // kill
	SYSCALL
	RET

TEXT ·return(SB), NOSPLIT|NOFRAME, $0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT  $3

TEXT ·holderAddress(SB), NOSPLIT, $0-8
	MOVQ $·holder(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·returnAddress(SB), NOSPLIT, $0-8
	MOVQ $·return(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// Where lxc-shim begins, if linked with -E lxc_shim: signals that came during
// the exec are blocked and pending, and go into early before Go's runtime
// unblocks them.
TEXT lxc_shim(SB), NOSPLIT|NOFRAME, $0
next:
	LEAQ heldSet<>(SB), DI
	XORL SI, SI
	LEAQ noTime<>(SB), DX
	MOVL $8, R10
	MOVL $128, AX // rt_sigtimedwait
	SYSCALL
	TESTQ AX, AX
	JLE  begin
	LEAL -1(AX), CX
	MOVQ ·early(SB), AX
	BTSQ CX, AX
	MOVQ AX, ·early(SB)
	JMP  next

begin:
	JMP _rt0_amd64_linux(SB)
