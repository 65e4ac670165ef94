package seccomp

import (
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	got, err := Parse("p", []byte(`2
denylist errno 7
# a comment
reject_force_umount  # comment

[x86]
acct
  sync errno 38  # words LXC does not look at
[ALL]
keyctl errno 38 [0,0,SCMP_CMP_EQ]
ioctl trap [1,0x5412,==] [0,2,&=,0xff]
`))
	want := &Policy{File: "p", Default: Errno(7), Rules: []Rule{
		{"umount2", Errno(unix.EACCES), []Condition{{1, MaskedEqual, 1, 1}}, "", 4},
		{"acct", Kill, nil, "386 amd64", 7},
		{"sync", Errno(38), nil, "386 amd64", 8},
		{"keyctl", Errno(38), []Condition{{0, Equal, 0, ^uint64(0)}}, "", 10},
		{"ioctl", Trap, []Condition{{1, Equal, 0x5412, ^uint64(0)}, {0, MaskedEqual, 2, 0xff}}, "", 11},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse = %+v, %v; want %+v", got, err, want)
	}
	got, err = Parse("p", []byte("1\nsome allowlist\n0\n\n#1\n2 x\n"))
	want = &Policy{File: "p", Default: Kill, NativeOnly: true, Rules: []Rule{{"0", Allow, nil, "", 3}, {"2", Allow, nil, "", 6}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse = %+v, %v; want %+v", got, err, want)
	}
}

// What liblxc 5.0.2 was seen to accept, and log and trace, which it refuses.
func TestParseAccepts(t *testing.T) {
	for _, text := range []string{
		"2 \ndenylist\n", "2\n denylist\n", "2\ndenylistx\n", "2\nblacklist\n", "2\nwhitelist\n", "2\nwhitelist errno 1\nacct\n",
		"2\ndenylist trap\nacct\n", "2\nallowlist trap\nacct\n", "2\ndenylist\nacct #\n", "2\ndenylist\nacct  errno 3\n",
		"2\ndenylist\nacct errno 3 # c\n", "2\ndenylist\nacct notify\n", "2\ndenylist\nnosuch\n", "2\ndenylist\n[X86_64]\nacct\n",
		"2\ndenylist\n[x86_64]\nacct\n", "2\ndenylist\n[arm]\nacct\n", "2\ndenylist\n[mipsel64n32]\nacct\n", "2\ndenylist\nacct\tkill\n",
		"2\ndenylist\nacct killx\n", "2\ndenylist\nacct kill x\n", "2\ndenylist\nacct errno 1 trap\n", "2\ndenylist\nacct errno 0\n",
		"2\ndenylist\nacct errno 1 [0,1,==][1,2,==]\n", "2\ndenylist\nacct errno 1 [0,0x10,<]\n", "2\ndenylist\nacct errno 1 [0,010,>=]\n",
		"2\ndenylist\nacct errno 1 [0,18446744073709551615,SCMP_CMP_NE]\n", "2\ndenylist\nacct errno 1 [0,1,SCMP_CMP_MASKED_EQ,0x3]\n",
		"2\ndenylist\nacct errno 1 [0,1,==,3]\n",
		"2\nallowlist log\nacct trace 65535 [0,1,==]\n", "2\ndenylist\nacct log\n", "2\ndenylist\nacct errno 1 [0,1,==][1,1,!=][2,1,<][3,1,<=][4,1,>][5,1,>=]\n",
	} {
		if _, err := Parse("p", []byte(text)); err != nil {
			t.Errorf("Parse(%q) = %v; want nil", text, err)
		}
	}
}

// Every error names the line. LXC refuses these too, but for the 4096.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `p:1: "" is not a version`},
		{"3\ndenylist\n", `p:1: "3" is not a version`},
		{"# c\n2\ndenylist\n", `p:1: "# c" is not a version`},
		{"2\n", `p:2: the second line must be`},
		{"2\nfoolist\n", `p:2: "foolist" is not a kind of list`},
		{"2\n#c\ndenylist\n", `p:2: "#c" is not a kind of list`},
		{"2\ndenylist foo\n", `p:2: "foo" is not an action`},
		{"2\ndenylist errno\n", `p:2: "errno" needs the number of an error`},
		{"2\ndenylist debug\n", `p:2: debug is not supported`},
		{"1\nwhitelist\n0\n", `p:2: "whitelist": version 1 has no other lists`},
		{"1\nallowlist\nread\n", `p:3: "read" is not the number of a system call`},
		{"1\nallowlist\n-5\n", `p:3: "-5" is not the number`},
		{"2\ndenylist\n[foo]\n", `p:3: "[foo]" is not an architecture ([all] [x86] `},
		{"2\ndenylist\n[All]\n", `p:3: "[All]" is not an architecture ([all] [x86] `},
		{"2\ndenylist\n[all] x\n", `p:3: "[all] x" is not an architecture ([all] [x86] `},
		{"2\ndenylist\nacct foo\n", `p:3: "foo" is not an action (kill, errno N, allow, trap, notify, log or trace N)`},
		{"2\ndenylist\nacct KILL\n", `p:3: "KILL" is not an action`},
		{"2\ndenylist\nacct errno x\n", `p:3: "errno x" needs the number of an error, 0 to 4095`},
		{"2\ndenylist\nacct trace\n", `p:3: "trace" needs the number the tracer is told, 0 to 65535`},
		{"2\ndenylist\nacct trace 65536\n", `p:3: "trace 65536" needs the number`},
		{"2\ndenylist log\nacct log\n", "p:3: acct: log is what happens"},
		{"2\ndenylist\nacct errno 4096\n", `p:3: "errno 4096" needs the number`},
		{"2\ndenylist\nacct errno -1\n", `p:3: "errno -1" needs the number`},
		{"2\ndenylist\nacct allow\n", "p:3: acct: allow is what happens to system calls that are not listed (see line 2)"},
		{"2\ndenylist kill\nacct\n", "p:3: acct: kill is what happens"},
		{"2\ndenylist\nacct [0,1,==]\n", `p:3: "[0,1,==]" is not an action`},
		{"2\ndenylist\nacct errno 1 [6,1,==]\n", `p:3: [6,1,==]: "6" is not an argument, 0 to 5`},
		{"2\ndenylist\nacct errno 1 [-1,1,==]\n", `"-1" is not an argument`},
		{"2\ndenylist\nacct errno 1 [0,-1,==]\n", `p:3: [0,-1,==]: "-1" is not a number of 64 bits`},
		{"2\ndenylist\nacct errno 1 [0,1,EQ]\n", `"EQ" is not a comparison`},
		{"2\ndenylist\nacct errno 1 [0,1,&=]\n", `&= needs a mask`},
		{"2\ndenylist\nacct errno 1 [0,1,&=,x]\n", `"x" is not a mask`},
		{"2\ndenylist\nacct errno 1 [0,1\n", `"[0,1" is not a condition`},
		{"2\ndenylist\nacct errno 1 [0,1]\n", `three or four fields`},
		{"2\ndenylist\nacct errno 1 []\n", `three or four fields`},
		{"2\ndenylist\nacct errno 1 x[0,1,==]\n", `is not a condition`},
		{"2\ndenylist\nacct errno 1 [0,1,==][0,2,!=]\n", `p:3: argument 0 is compared twice`},
	} {
		p, err := Parse("p", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), "p:") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q) = %+v, %v; want %s", c.text, p, err, c.want)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(commonPolicy)
	f.Add("1\nallowlist\n0\n1\n")
	f.Add("2\ndenylist log\nreject_force_umount\n[ARM64]\nopenat trace 7 [2,0x40,SCMP_CMP_MASKED_EQ,0x40]\nmknod notify\n")
	f.Add("2\nallowlist errno 1\n[x86]\nkeyctl errno 38 [0,0,SCMP_CMP_EQ]\nioctl trap [1,0x5412,==] [0,2,&=,0xff]\nsocket kill\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("p", []byte(text))
		if err != nil {
			return
		}
		for _, machine := range []string{"amd64", "arm64"} {
			program, err := p.Compile(machine, nil)
			if err != nil {
				continue
			}
			for _, kind := range abis(machine) {
				interpret(t, program.Filter, data{nr: uint32(len(text)), arch: kind.audit})
			}
		}
	})
}
