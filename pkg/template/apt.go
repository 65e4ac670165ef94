package template

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An aptSource is one `deb` entry of sources.list(5).
type aptSource struct{ uri, suite, component string }

// hostMirrors gives where a host of the distribution gets its packages and its
// security updates from; empty where it is not known.
func hostMirrors(distribution string) (mirror, security string) {
	release, _ := os.ReadFile("/etc/os-release")
	id, codename := osRelease(string(release))
	if id != distribution {
		return "", ""
	}
	return chooseMirrors(hostSources(), codename)
}

func hostSources() (sources []aptSource) {
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, file := range append([]string{"/etc/apt/sources.list"}, lists...) {
		b, err := os.ReadFile(file)
		switch {
		case err != nil:
		case strings.HasSuffix(file, ".list"):
			sources = append(sources, oneLine(string(b))...)
		case strings.HasSuffix(file, ".sources"):
			sources = append(sources, stanzas(string(b))...)
		}
	}
	return sources
}

// rolling are the suites that are no release's.
var rolling = []string{"stable", "testing", "unstable", "sid"}

func chooseMirrors(sources []aptSource, codename string) (mirror, security string) {
	for _, s := range sources {
		if s.component != "main" || !strings.HasPrefix(s.uri, "http://") && !strings.HasPrefix(s.uri, "https://") {
			continue
		}
		uri := strings.TrimRight(s.uri, "/")
		base, isSecurity := strings.CutSuffix(s.suite, "-security")
		if base != codename && !slices.Contains(rolling, base) {
			continue
		}
		switch {
		case isSecurity && security == "":
			security = uri
		case !isSecurity && mirror == "":
			mirror = uri
		}
	}
	return mirror, security
}

// osRelease reads os-release(5).
func osRelease(text string) (id, codename string) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "ID":
			id = value
		case "VERSION_CODENAME":
			codename = value
		}
	}
	return id, codename
}

// oneLine reads the one-line style: deb [OPTIONS] URI SUITE COMPONENT...
func oneLine(text string) (sources []aptSource) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if open := strings.IndexByte(line, '['); open >= 0 {
			end := strings.IndexByte(line[open:], ']')
			if end < 0 {
				continue
			}
			line = line[:open] + line[open+end+1:]
		}
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "deb" {
			continue
		}
		for _, component := range words[3:] {
			sources = append(sources, aptSource{words[1], words[2], component})
		}
	}
	return sources
}

// stanzas reads the deb822 style: fields, one entry a paragraph.
func stanzas(text string) (sources []aptSource) {
	fields, last := map[string][]string{}, ""
	flush := func() {
		if slices.Contains(fields["types"], "deb") && !slices.Contains(fields["enabled"], "no") {
			for _, uri := range fields["uris"] {
				for _, suite := range fields["suites"] {
					for _, component := range fields["components"] {
						sources = append(sources, aptSource{uri, suite, component})
					}
				}
			}
		}
		fields, last = map[string][]string{}, ""
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			fields[last] = append(fields[last], strings.Fields(line)...)
		default:
			name, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(name)
			fields[last] = append(fields[last], strings.Fields(value)...)
		}
	}
	flush()
	return sources
}
