package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"dnsbld/listing"
)

// Output for people is plain text, in lines of at most 80 columns where possible.
// Colours are an addition: nothing is said by colour alone.

// printer writes for people, in colour where that is wanted.
type printer struct {
	to     io.Writer
	colour bool
}

// printerFor is where people read: on stdout, and with --json on stderr.
func (p *program) printerFor(noColour bool) printer {
	to := p.stdout
	if p.json {
		to = p.stderr
	}
	return printer{to: to, colour: !noColour && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb" && isTerminal(to)}
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

// table is rows of cells.
type table [][]string

// add appends a row of two cells: a name and what belongs to it.
func (t *table) add(name, format string, args ...any) {
	*t = append(*t, []string{name, fmt.Sprintf(format, args...)})
}

// table prints rows in aligned columns. The last cell of a row is not padded,
// and may be of any length.
func (p printer) table(t table) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range t {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing a table: %w", err)
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(p.to, strings.TrimRight(line, " \n")); err != nil {
			return fmt.Errorf("printing a table: %w", err)
		}
	}
	return nil
}
