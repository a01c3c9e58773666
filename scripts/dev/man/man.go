// Package man writes manual pages in mdoc(7) from what programs say of
// themselves: their commands and flags, and their commented configuration. The
// tests of each program keep its pages, so that none can differ from it.
package man

import (
	"fmt"
	"regexp"
	"strings"
)

// Fill puts generated parts into a page: what stands for a part is a line
// "@NAME@".
func Fill(page string, parts map[string]string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(page) {
		name := strings.TrimSuffix(line, "\n")
		if len(name) < 3 || name[0] != '@' || name[len(name)-1] != '@' {
			b.WriteString(line)
			continue
		}
		part, known := parts[strings.Trim(name, "@")]
		if !known {
			return "", fmt.Errorf("filling the page: nothing is called %s", name)
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// escapes are what means something else to a formatter, or nothing.
var escapes = strings.NewReplacer(`\`, `\e`, "“", `\(lq`, "”", `\(rq`, "…", "...", "–", `\(en`, "→", `\(->`, "×", `\(mu`)

// word escapes one word. The hyphens of an option are kept as they are typed.
func word(w string) string {
	w = escapes.Replace(w)
	if strings.HasPrefix(strings.TrimLeft(w, "([\"'`"), "-") {
		w = strings.ReplaceAll(w, "-", `\-`)
	}
	return w
}

// Line is a line of running text.
func Line(text string) string {
	words := strings.Fields(text)
	for n, w := range words {
		words[n] = word(w)
	}
	line := strings.Join(words, " ")
	line = quoted.ReplaceAllStringFunc(line, func(q string) string { return `\fB` + q[1:len(q)-1] + `\fP` })
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}

// quoted is what one types: 'blctl add' or `id`.
var quoted = regexp.MustCompile("'blctl[^']*'|`[^`]+`")

// sentence is where one ends: mdoc has each begin a line.
var sentence = regexp.MustCompile(`([.?!]\)?) +([A-Z"'])`)

// running is a paragraph: each sentence begins a line, and goes on below where
// it is long.
func running(text string) string {
	const width = 80
	var b strings.Builder
	for s := range strings.SplitSeq(sentence.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1\n$2"), "\n") {
		column := 0
		for n, w := range strings.Split(Line(s), " ") {
			switch {
			case n == 0:
			case column+1+len(w) > width && !strings.HasPrefix(w, ".") && !strings.HasPrefix(w, "'"):
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(w)
			column += len(w)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Literal is text as it stands.
func Literal(lines ...string) string {
	var b strings.Builder
	b.WriteString(".Bd -literal -offset indent\n")
	for _, line := range lines {
		line = strings.ReplaceAll(escapes.Replace(line), "-", `\-`)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	return b.String() + ".Ed\n"
}

// Text is what a command says of itself: paragraphs, and lines that are indented
// to be kept as they are.
func Text(text string) string {
	var b strings.Builder
	for n, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(p, "\n")
		switch {
		case strings.HasPrefix(p, "  "):
			b.WriteString(Literal(trimmed(lines)...))
			continue
		case len(lines) > 1 && strings.HasPrefix(lines[1], "  "): // "examples:" and those
			b.WriteString(".Pp\n" + Line(capital(lines[0])) + "\n" + Literal(trimmed(lines[1:])...))
			continue
		case n > 0:
			b.WriteString(".Pp\n")
		}
		if statuses, ok := strings.CutPrefix(p, "exit status: "); ok {
			b.WriteString("Exit status:\n" + status(statuses))
			continue
		}
		b.WriteString(running(p))
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func trimmed(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, strings.TrimPrefix(l, "  "))
	}
	return out
}

// next is where the text of one exit status ends.
var next = regexp.MustCompile(`; ([0-9]+) `)

// status is a list of exit statuses, written "0 done; 2 usage".
func status(text string) string {
	var rows [][2]string
	for one := range strings.SplitSeq(next.ReplaceAllString(strings.Join(strings.Fields(text), " "), "\n$1 "), "\n") {
		number, what, _ := strings.Cut(one, " ")
		rows = append(rows, [2]string{strings.TrimSuffix(number, ";"), strings.TrimSpace(what)})
	}
	return Statuses(rows)
}

// Statuses is a list of exit statuses.
func Statuses(rows [][2]string) string {
	var b strings.Builder
	b.WriteString(".Bl -tag -width 3n -offset indent -compact\n")
	for _, r := range rows {
		b.WriteString(".It " + word(r[0]) + "\n")
		if r[1] != "" {
			b.WriteString(Line(r[1]) + "\n")
		}
	}
	return b.String() + ".El\n"
}

// Flag is an option of a command.
type Flag struct {
	Name, Value, Usage string // Value is empty if it has none
}

// Flags is a list of options.
func Flags(flags []Flag) string {
	if len(flags) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(".Bl -tag -width indent\n")
	for _, f := range flags {
		b.WriteString(".It Fl \\-" + strings.ReplaceAll(f.Name, "-", `\-`))
		if f.Value != "" {
			b.WriteString(" Ar " + strings.ReplaceAll(escapes.Replace(f.Value), " ", `\ `))
		}
		b.WriteString("\n" + Line(capital(f.Usage)) + ".\n")
	}
	return b.String() + ".El\n"
}
