package template

import "testing"

const modern = `# a comment
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`

const classic = `deb http://other.example/tool bookworm stable # not Debian's
deb cdrom:[Debian] bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/x] https://mirror.example/debian bookworm main contrib
deb http://security.example/debian-security bookworm-security main
`

func TestChooseMirrors(t *testing.T) {
	tests := []struct {
		name             string
		sources          []aptSource
		codename         string
		mirror, security string
	}{
		{"deb822", stanzas(modern), "bookworm", "http://mirror.example/debian", "http://security.example/debian-security"},
		{"one-line", oneLine(classic), "bookworm", "https://mirror.example/debian", "http://security.example/debian-security"},
		{"another release", stanzas(modern), "trixie", "", ""},
		{"rolling", oneLine("deb http://m.example/debian sid main"), "trixie", "http://m.example/debian", ""},
		{"nothing", nil, "bookworm", "", ""},
	}
	for _, test := range tests {
		mirror, security := chooseMirrors(test.sources, test.codename)
		if mirror != test.mirror || security != test.security {
			t.Errorf("%s: %q, %q; want %q, %q", test.name, mirror, security, test.mirror, test.security)
		}
	}
}

func TestOSRelease(t *testing.T) {
	id, codename := osRelease("NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_CODENAME='bookworm'\n")
	if id != "debian" || codename != "bookworm" {
		t.Errorf("osRelease = %q, %q; want debian, bookworm", id, codename)
	}
}

func FuzzSources(f *testing.F) {
	f.Add(modern)
	f.Add(classic)
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range append(stanzas(text), oneLine(text)...) {
			if s.uri == "" || s.suite == "" || s.component == "" {
				t.Errorf("%q gives %+v", text, s)
			}
		}
		chooseMirrors(stanzas(text), "bookworm")
	})
}
