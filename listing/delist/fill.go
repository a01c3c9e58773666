package delist

import (
	"strings"
	"unicode/utf8"
)

// columns is how wide a letter is.
const columns = 72

// fill breaks the lines of a letter at 72 columns. Each line of a template is
// a paragraph; one that is indented by four blanks or more keeps its own
// blanks. Runs of empty lines become one.
func fill(text string) string {
	var out []string
	for paragraph := range strings.Lines(text) {
		paragraph = strings.TrimRight(paragraph, " \t\n")
		if paragraph == "" {
			if len(out) > 0 && out[len(out)-1] != "" {
				out = append(out, "")
			}
			continue
		}
		out = append(out, fillLine(paragraph)...)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

func fillLine(s string) []string {
	body := strings.TrimLeft(s, " ")
	indent := len(s) - len(body)
	if indent == 1 { // a sentence whose forerunner a template has left out
		indent = 0
	}
	if indent >= 4 && utf8.RuneCountInString(s) <= columns {
		return []string{s}
	}
	first := strings.Repeat(" ", min(indent, 8))
	rest := first
	if strings.HasPrefix(body, "- ") {
		rest += "  "
	}
	var out []string
	current := first
	for _, word := range strings.Fields(body) {
		for _, piece := range pieces(word, columns-len(rest)) {
			switch {
			case current == first && len(out) == 0, current == rest:
			case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(piece) <= columns:
				current += " "
			default:
				out = append(out, current)
				current = rest
			}
			current += piece
		}
	}
	return append(out, current)
}

// pieces cuts a word that is longer than a line.
func pieces(word string, width int) []string {
	var all []string
	runes := []rune(word)
	for ; len(runes) > width; runes = runes[width:] {
		all = append(all, string(runes[:width]))
	}
	return append(all, string(runes))
}
