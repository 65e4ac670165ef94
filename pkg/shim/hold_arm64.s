#include "textflag.h"

// The signals of held as a sigset_t, and no time as a timespec.
DATA heldSet<>+0(SB)/8, $0x4027
GLOBL heldSet<>(SB), RODATA|NOPTR, $8
GLOBL noTime<>(SB), RODATA|NOPTR, $16

// The handler of Hold, as in hold_amd64.s: R0 is the signal, R2 the context;
// uc_sigmask is at 40 there.
TEXT ·holder(SB), NOSPLIT|NOFRAME, $0
	MOVD R0, R9
	SUB  $1, R0, R3
	MOVD $1, R4
	LSL  R3, R4, R4
	MOVD 40(R2), R5
	ORR  R4, R5, R5
	MOVD R5, 40(R2)
	MOVD $172, R8 // getpid
	SVC
	MOVD R9, R1
	MOVD $129, R8 // kill
	SVC
	RET

TEXT ·return(SB), NOSPLIT|NOFRAME, $0
	MOVD $139, R8 // rt_sigreturn
	SVC
	BRK

TEXT ·holderAddress(SB), NOSPLIT, $0-8
	MOVD $·holder(SB), R0
	MOVD R0, ret+0(FP)
	RET

TEXT ·returnAddress(SB), NOSPLIT, $0-8
	MOVD $·return(SB), R0
	MOVD R0, ret+0(FP)
	RET

// Where lxc-shim begins, as in hold_amd64.s.
TEXT lxc_shim(SB), NOSPLIT|NOFRAME, $0
next:
	MOVD $heldSet<>(SB), R0
	MOVD $0, R1
	MOVD $noTime<>(SB), R2
	MOVD $8, R3
	MOVD $137, R8 // rt_sigtimedwait
	SVC
	CMP  $0, R0
	BLE  begin
	SUB  $1, R0, R3
	MOVD $1, R4
	LSL  R3, R4, R4
	MOVD ·early(SB), R5
	ORR  R4, R5, R5
	MOVD R5, ·early(SB)
	JMP  next

begin:
	JMP _rt0_arm64_linux(SB)
