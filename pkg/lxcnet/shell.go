package lxcnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"gantry/pkg/plan"
)

// A Variable is the value an assignment gave, and where.
type Variable struct {
	Value  string
	Origin plan.Origin
}

// Read collects the assignments NAME=VALUE of the files, later ones replacing
// earlier ones; files that do not exist are left out. Values are shell words:
// quotes, backslashes and $NAME mean what they mean to sh. Other commands, such
// as the one by which Debian's /etc/default/lxc sources lxc-net's file, do
// nothing here; a value that is a command's output ($(...) or `...`) is an
// error.
func Read(files ...string) (map[string]Variable, error) {
	vars := map[string]Variable{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := parse(file, string(text), vars); err != nil {
			return nil, err
		}
	}
	return vars, nil
}

// A lexer reads shell words.
type lexer struct {
	file string
	text string
	pos  int
	line int
	vars map[string]Variable
}

// parse adds the assignments of text to vars.
func parse(file, text string, vars map[string]Variable) error {
	l := &lexer{file: file, text: text, line: 1, vars: vars}
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; c {
		case '#':
			l.skipLine()
		case ' ', '\t', '\n', '\r', ';':
			l.next()
		default:
			if err := l.command(); err != nil {
				return err
			}
		}
	}
	return nil
}

// command reads words that begin a command: assignments, until something else
// shows that they, and the rest of the line, belong to a program.
func (l *lexer) command() error {
	name := l.name()
	if name == "export" && l.peek() == ' ' {
		return nil // assignments follow
	}
	if name == "" || l.peek() != '=' {
		l.skipLine()
		return nil
	}
	origin := plan.Origin{File: l.file, Line: l.line, Key: name}
	l.next()
	value, err := l.word()
	if err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	l.vars[name] = Variable{value, origin}
	return nil
}

// word reads one word, with quotes removed and variables replaced.
func (l *lexer) word() (string, error) {
	var b strings.Builder
	quote := byte(0)
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case quote == 0 && strings.IndexByte(" \t\n\r;&|<>", c) >= 0:
			return b.String(), nil
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '\\' && quote != '\'':
			l.escape(&b, quote)
			continue
		case quote != '\'' && (c == '`' || strings.HasPrefix(l.text[l.pos:], "$(")):
			return "", errors.New("the output of a command cannot be used here (write the value itself)")
		case c == '$' && quote != '\'':
			if err := l.variable(&b); err != nil {
				return "", err
			}
			continue
		default:
			b.WriteByte(c)
		}
		l.next()
	}
	if quote != 0 {
		return "", fmt.Errorf("the quotation mark %c is not closed (add another)", quote)
	}
	return b.String(), nil
}

// escape reads a backslash and what it protects.
func (l *lexer) escape(b *strings.Builder, quote byte) {
	l.next()
	c := l.peek()
	switch {
	case c == 0 || c == '\n':
	case quote == '"' && strings.IndexByte("\"\\$`", c) < 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
	l.next()
}

// variable reads $NAME or ${NAME}.
func (l *lexer) variable(b *strings.Builder) error {
	l.next()
	brace := l.peek() == '{'
	if brace {
		l.next()
	}
	name := l.name()
	if brace {
		if name == "" || l.peek() != '}' {
			return errors.New("only $NAME and ${NAME} can be used here (write the value itself)")
		}
		l.next()
	}
	if name == "" {
		b.WriteByte('$')
		return nil
	}
	b.WriteString(l.vars[name].Value)
	return nil
}

// name reads the name of a variable.
func (l *lexer) name() string {
	start := l.pos
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (l.pos == start || c < '0' || c > '9') {
			break
		}
		l.pos++
	}
	return l.text[start:l.pos]
}

func (l *lexer) skipLine() {
	for l.pos < len(l.text) && l.text[l.pos] != '\n' {
		l.pos++
	}
}

// peek is the next byte, or 0 at the end.
func (l *lexer) peek() byte {
	if l.pos < len(l.text) {
		return l.text[l.pos]
	}
	return 0
}

func (l *lexer) next() {
	if l.peek() == '\n' {
		l.line++
	}
	if l.pos < len(l.text) {
		l.pos++
	}
}
