package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"dnsbld/listing"
)

// Output for people is plain text, in lines of at most 80 columns where possible.
// Colours are an addition: nothing is said by colour alone.

// printer writes for people, in colour where that is wanted.
type printer struct {
	to     io.Writer
	colour bool
	layout
}

// printerFor is where people read: on stdout, and with --json on stderr. Who sees
// JSON on a terminal has asked for that and nothing beside it.
func (p *program) printerFor(noColour bool) printer {
	to := p.stdout
	switch {
	case p.json && (isTerminal(p.stdout) || isTerminal(p.stderr)):
		to = io.Discard
	case p.json:
		to = p.stderr
	}
	return printer{to: to, colour: !noColour && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb" && isTerminal(to)}
}

// Of a terminal whose size is not known.
const (
	usualWidth  = 80
	usualHeight = 24
)

// size is that of the terminal, in columns and lines.
func (p printer) size() (width, height int) {
	if file, ok := p.to.(*os.File); ok {
		if w, h, err := term.GetSize(int(file.Fd())); err == nil && w > 2*labelWidth {
			return w, h
		}
	}
	return usualWidth, usualHeight
}

// isTerminal reports whether a stream is a terminal. Tests hand in buffers.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// printf prints for people. That they cannot be reached is no failure of the command.
func (p printer) printf(format string, args ...any) { fmt.Fprintf(p.to, format, args...) }

// Colours, as terminals number them.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	faint  = "2"
)

// paint puts a colour around a text, if colours are wanted.
func (p printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// clean is what a terminal may be shown of bytes from outside: whatever is not
// a printable character is written as \xNN. Letters of any script stay.
func clean(s string) string { return listing.Shown(s) }

// dryRun begins what a trial run prints.
func (p printer) dryRun() {
	p.printf("%s\n", p.paint(bold, "dry run: nothing was changed; it would be like this:"))
}

// lines prints "name: text" on a line of its own for each pair whose text is
// not empty.
func (p printer) lines(indent string, pairs ...string) {
	for n := 0; n+1 < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			p.printf("%s%s: %s\n", indent, pairs[n], clean(pairs[n+1]))
		}
	}
}

// plural is a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// addresses is a number of addresses: of an IPv6 prefix, about how many.
func addresses(n float64) string {
	switch {
	case n == 1:
		return "1 address"
	case n < 1e15:
		return fmt.Sprintf("%.0f addresses", n)
	}
	return fmt.Sprintf("%.2g addresses", n)
}
