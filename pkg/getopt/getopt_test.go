package getopt

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// table has one option of each kind and names that begin alike.
func table() []Option {
	return []Option{
		{Long: "daemon", Short: 'd'},
		{Long: "define", Short: 's', Arg: Required},
		{Long: "elevated-privileges", Short: 'e', Arg: Optional},
		{Long: "share-net", Arg: Required},
		{Long: "share-ipc", Arg: Required},
		{Long: "console", Short: 'c', Arg: Required},
		{Long: "console-log", Short: 'L', Arg: Required},
		{Long: "name", Short: 'n', Arg: Required},
		{Long: "nested", Arg: Optional},
		{Long: "quiet", Short: 'q'},
	}
}

// written gives a line's options in one form: --LONG=ARG.
func written(line Line) (options []string) {
	for _, f := range line.Options {
		options = append(options, "--"+f.Option.Long+"="+f.Arg)
	}
	return options
}

func TestParse(t *testing.T) {
	tests := []struct {
		args     string
		options  string
		operands string
		fault    string
	}{
		{"-n web", "--name=web", "", ""},
		{"-nweb", "--name=web", "", ""},
		{"--name web", "--name=web", "", ""},
		{"--name=web", "--name=web", "", ""},
		{"--nam=web", "--name=web", "", ""},
		{"-dn web", "--daemon= --name=web", "", ""},
		{"-dnweb -q", "--daemon= --name=web --quiet=", "", ""},
		{"web -d x", "--daemon=", "web x", ""},
		{"web -d -- -q --bogus", "--daemon=", "web -q --bogus", ""},
		{"-n -- web", "--name=--", "web", ""},
		{"- -d", "--daemon=", "-", ""},
		{"-e CAP", "--elevated-privileges=", "CAP", ""},
		{"-eCAP", "--elevated-privileges=CAP", "", ""},
		{"--elev=CAP", "--elevated-privileges=CAP", "", ""},
		{"--elev CAP", "--elevated-privileges=", "CAP", ""},
		{"--console=a --console-log=b --console-=c", "--console=a --console-log=b --console-log=c", "", ""},
		{"--define=a=b=c", "--define=a=b=c", "", ""},
		{"--name=", "--name=", "", ""},
		{"-q --bogus -d", "--quiet=", "", "unrecognized option '--bogus'"},
		{"--bogus=3", "", "", "unrecognized option '--bogus=3'"},
		{"--share=x", "", "", "option '--share=x' is ambiguous; possibilities: '--share-net' '--share-ipc'"},
		{"--con", "", "", "option '--con' is ambiguous; possibilities: '--console' '--console-log'"},
		{"--daemon=3", "", "", "option '--daemon' doesn't allow an argument"},
		{"--nam", "", "", "option '--name' requires an argument"},
		{"-d -n", "--daemon=", "", "option requires an argument -- 'n'"},
		{"-d=3", "--daemon=", "", "invalid option -- '='"},
		{"-dyq", "--daemon=", "", "invalid option -- 'y'"},
	}
	for _, test := range tests {
		line := Parse(table(), strings.Fields(test.args))
		options, operands := strings.Join(written(line), " "), strings.Join(line.Operands, " ")
		if options != test.options || operands != test.operands || line.Fault != test.fault {
			t.Errorf("Parse(%s) = %q %q %q; want %q %q %q", test.args, options, operands, line.Fault, test.options, test.operands, test.fault)
		}
	}
}

// Options of ours must not take away a prefix that is LXC's.
func TestOurs(t *testing.T) {
	table := append(table(), Option{Long: "quick", Ours: true}, Option{Long: "json", Ours: true}, Option{Long: "jail", Ours: true})
	tests := []struct{ args, options, fault string }{
		{"--qui", "--quiet=", ""},
		{"--quick", "--quick=", ""},
		{"--js", "--json=", ""},
		{"--j", "", "option '--j' is ambiguous; possibilities: '--json' '--jail'"},
	}
	for _, test := range tests {
		line := Parse(table, strings.Fields(test.args))
		if options := strings.Join(written(line), " "); options != test.options || line.Fault != test.fault {
			t.Errorf("Parse(%s) = %q %q; want %q %q", test.args, options, line.Fault, test.options, test.fault)
		}
	}
}

func TestStops(t *testing.T) {
	table := append(table(), Option{Long: "help", Short: 'h', Stop: true})
	line := Parse(table, strings.Fields("-d web -qhs --bogus"))
	if got := strings.Join(written(line), " "); got != "--daemon= --quiet=" || line.Stop == nil || line.Fault != "" {
		t.Errorf("Parse(-d web -qhs --bogus) = %q, stop %v, fault %q; want --daemon= --quiet=, stopped by --help", got, line.Stop, line.Fault)
	}
}

// TestOracle compares random command lines with getopt(1) of util-linux,
// which calls the C library's getopt_long.
func TestOracle(t *testing.T) {
	getopt1, err := exec.LookPath("getopt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(`-d -n -nweb -dn -e -eCAP -qd -dq -s -sk=v -c -L -Lx -y -d=3 -qy -dnq -
		-- --daemon --daemon=1 --da --d --de --def=x --define --define=k=v --elevated-privileges --elev=LSM --ele=
		--share --share-n --share-net=x --share-i --con --console --console=x --console-log --console-l=y
		--n --na --nam=web --name --nes --nested=1 --q --bogus --bogus=1 --=x web x=y 0`)
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		args := make([]string, random.IntN(6))
		for i := range args {
			args[i] = words[random.IntN(len(words))]
		}
		line := Parse(table(), args)
		options, operands, fault := oracle(t, getopt1, args)
		same := line.Fault == fault
		// After a fault getopt(1) goes on; the tools end there.
		if fault == "" {
			same = same && slices.Equal(written(line), options) && slices.Equal(line.Operands, operands)
		}
		if !same {
			t.Errorf("Parse(%q) = %q %q %q; want %q %q %q", args, written(line), line.Operands, line.Fault, options, operands, fault)
		}
	}
}

// oracle runs getopt(1) and brings its answer into the form of getopt.
func oracle(t *testing.T, getopt1 string, args []string) (options, operands []string, fault string) {
	t.Helper()
	var short, long strings.Builder
	names := map[string]Option{}
	for _, o := range table() {
		colons := strings.Repeat(":", int(o.Arg))
		if o.Short != 0 {
			short.WriteString(string(rune(o.Short)) + colons)
			names["-"+string(rune(o.Short))] = o
		}
		long.WriteString(o.Long + colons + ",")
		names["--"+o.Long] = o
	}
	call := append([]string{"-u", "-n", "x", "-o", short.String(), "-l", long.String(), "--"}, args...)
	var complaint strings.Builder
	cmd := exec.Command(getopt1, call...)
	cmd.Stderr = &complaint
	out, _ := cmd.Output()
	first, _, _ := strings.Cut(complaint.String(), "\n")
	fault = strings.TrimPrefix(first, "x: ")

	// -u separates by blanks and leaves an empty argument empty.
	fields := strings.Split(strings.TrimPrefix(strings.TrimSuffix(string(out), "\n"), " "), " ")
	for len(fields) > 0 {
		word := fields[0]
		fields = fields[1:]
		if word == "--" {
			break
		}
		o := names[word]
		arg := ""
		if o.Arg != None {
			arg, fields = fields[0], fields[1:]
		}
		options = append(options, "--"+o.Long+"="+arg)
	}
	if len(fields) > 0 && !(len(fields) == 1 && fields[0] == "") {
		operands = fields
	}
	return options, operands, fault
}

func FuzzParse(f *testing.F) {
	f.Add("-dnweb\x00--name=x\x00--\x00-q")
	f.Add("--=\x00-\x00-:")
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		line := Parse(table(), args)
		if n := len(written(line)) + len(line.Operands); line.Fault == "" && n > len(joined)+1 {
			t.Errorf("Parse(%q) gives %d options and operands", args, n)
		}
	})
}
