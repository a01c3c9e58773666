package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dnsbld/listing"
)

// A table fits the terminal, and 80 columns where there is none, so that a mail or a
// log shows what a person saw. Where it is too wide, whole columns go, in the order
// that the help of the command states, and the last text is cut with an ellipsis:
// --wide has all columns and whole texts, --columns those that are named. Headings
// stand on a terminal alone, for scripts count lines.

// column is one of a table.
type column struct {
	name  string
	rank  int  // those with the highest go first where there is no room; 0: it stays
	least int  // of a text that may be cut: the room that it needs; 0: it is shown whole
	more  bool // shown with --wide or --columns alone
}

// tables are the columns of the commands that print one, by command.
func tables() map[string][]column {
	return map[string][]column{
		"list": {{name: "prefix"}, {name: "reason"}, {name: "hits", more: true}, {name: "asked", more: true}, {name: "until", rank: 1}, {name: "from", rank: 2},
			{name: "note", rank: 3, least: 8}, {name: "since", more: true}, {name: "by", more: true}, {name: "ticket", more: true}, {name: "level", more: true},
			{name: "revision", more: true}},
		"allow list":    {{name: "prefix"}, {name: "until"}, {name: "owner", rank: 1}, {name: "since", rank: 2}, {name: "note", rank: 3, least: 8}},
		"reasons":       {{name: "code"}, {name: "reason"}, {name: "life", rank: 2}, {name: "delist", rank: 3}, {name: "shadow", rank: 1}, {name: "text", least: 30}},
		"source list":   {{name: "source"}, {name: "entries"}, {name: "imported", rank: 1}, {name: "end", least: 20}, {name: "by", more: true}, {name: "until", more: true}},
		"receiver list": {{name: "receiver"}, {name: "state", least: 30}, {name: "last", rank: 1}},
		"ticket list": {{name: "ticket"}, {name: "address"}, {name: "state"}, {name: "decision", rank: 1}, {name: "opened", rank: 2},
			{name: "references", rank: 3, least: 10}},
		"stats": {{name: "prefix"}, {name: "reason"}, {name: "hits"}, {name: "asked"}},
	}
}

// layout is how somebody wants tables to be.
type layout struct {
	width     int  // of the terminal
	onScreen  bool // somebody reads as it is printed
	wide      bool
	noHeaders bool
	columns   []string // all that are wanted, in this order; none: the usual ones
}

// layout reads the flags of tables. A column that the command does not have is
// refused before the command does anything.
func (in *input) layout(p printer) layout {
	width, _ := p.size()
	l := layout{width: width, onScreen: isTerminal(p.to), wide: in.Bool("wide"), noHeaders: in.Bool("no-headers")}
	if !in.IsSet("columns") || find(in.Command.Flags, "columns") != nil { // observe has columns of its own
		return l
	}
	known := columnNames(tables()[strings.TrimPrefix(in.Command.HelpName, "blctl ")])
	if len(known) == 0 {
		in.fail(usageError("%s prints no table of columns", in.Command.HelpName))
	}
	for name := range strings.SplitSeq(in.String("columns"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); !slices.Contains(known, name) {
			hint := "there are " + strings.Join(known, ",")
			if like := listing.Nearest(name, known); like != "" {
				hint = "did you mean " + like + "? " + hint
			}
			in.fail(invalid("unknown-column", "there is no column "+listing.Quote(name), hint))
		}
		l.columns = append(l.columns, name)
	}
	return l
}

func columnNames(all []column) (names []string) {
	for _, c := range all {
		names = append(names, c.name)
	}
	return names
}

// table is rows of cells without columns that have names: what matters stands in the
// last cell of each, which on a terminal goes on below where it is too long. For
// scripts it stays on its line.
type table [][]string

// add appends a row of two cells: a name and what belongs to it.
func (t *table) add(name, format string, args ...any) {
	*t = append(*t, []string{name, fmt.Sprintf(format, args...)})
}

// table prints rows whose last cells are wrapped.
func (p printer) table(t table) error {
	w := p.tableOf(nil)
	w.rows = t
	return w.Flush()
}

// block is how many rows decide together how wide columns are. A million rows are
// printed as they come.
const block = 512

// tableWriter prints rows in aligned columns.
type tableWriter struct {
	printer
	out     *bufio.Writer
	columns []column // nil: they have no names
	shown   []int    // of the columns, in order; nil: not chosen yet
	widths  []int
	rows    [][]string
}

// tableOf begins a table.
func (p printer) tableOf(columns []column) *tableWriter {
	return &tableWriter{printer: p, out: bufio.NewWriterSize(p.to, 1<<16), columns: columns}
}

// row adds one, with a cell for each column.
func (w *tableWriter) row(cells ...string) error {
	if w.rows = append(w.rows, cells); len(w.rows) < block {
		return nil
	}
	return w.Flush()
}

// Flush prints the rows that wait.
func (w *tableWriter) Flush() error {
	switch {
	case w.columns == nil:
		w.measure(func(row []string) []string { return row[:max(0, len(row)-1)] })
	case w.shown == nil:
		w.measure(func(row []string) []string { return row })
		w.choose()
	}
	for _, row := range w.rows {
		if w.columns != nil {
			row = w.cut(row)
		} else {
			row = w.wrapped(row)
		}
		if _, err := fmt.Fprintln(w.out, w.line(row)); err != nil {
			return printing(err)
		}
	}
	w.rows = nil
	return printing(w.out.Flush())
}

func printing(err error) error {
	if err != nil {
		return fmt.Errorf("printing a table: %w", err)
	}
	return nil
}

// measure finds how wide cells are.
func (w *tableWriter) measure(of func(row []string) []string) {
	for _, row := range w.rows {
		for n, cell := range of(row) {
			if n == len(w.widths) {
				w.widths = append(w.widths, 0)
			}
			w.widths[n] = max(w.widths[n], visible(cell))
		}
	}
}

// choose finds the columns that are shown, and prints their headings.
func (w *tableWriter) choose() {
	names := columnNames(w.columns)
	w.widths = append(w.widths, make([]int, max(0, len(names)-len(w.widths)))...)
	w.shown = w.wanted(names)
	if !w.onScreen || w.noHeaders {
		w.drop()
		return
	}
	for n, name := range names {
		w.widths[n] = max(w.widths[n], len(name))
	}
	if w.drop(); len(w.rows) == 0 {
		return
	}
	var row []string
	for _, n := range w.shown {
		row = append(row, strings.ToUpper(names[n]))
	}
	fmt.Fprintln(w.out, w.line(row)) // who cannot be reached is found out with the rows
}

// wanted are the columns that are to be shown if there is room.
func (w *tableWriter) wanted(names []string) []int {
	all := []int{}
	for _, name := range w.layout.columns {
		all = append(all, slices.Index(names, name))
	}
	for n, c := range w.columns {
		if len(w.layout.columns) == 0 && (w.wide || !c.more) {
			all = append(all, n)
		}
	}
	return all
}

// whole reports whether everything is wanted, however long.
func (w *tableWriter) whole() bool { return w.wide || len(w.layout.columns) > 0 }

// drop leaves columns out until the others fit.
func (w *tableWriter) drop() {
	for !w.whole() {
		needs, last := -len(gap), -1
		for at, n := range w.shown {
			c := w.columns[n]
			if needs += len(gap) + w.widths[n]; c.least > 0 {
				needs -= max(0, w.widths[n]-c.least)
			}
			if c.rank > 0 && (last < 0 || c.rank > w.columns[w.shown[last]].rank) {
				last = at
			}
		}
		if needs <= w.width || last < 0 {
			return
		}
		w.shown = slices.Delete(w.shown, last, last+1)
	}
}

// gap stands between columns.
const gap = "  "

// cut is a row of the columns that are shown, its text as long as there is room.
func (w *tableWriter) cut(row []string) (cells []string) {
	room, text := w.width+len(gap), -1
	for at, n := range w.shown {
		if cells = append(cells, row[n]); w.columns[n].least > 0 {
			text = at
		} else {
			room -= max(w.widths[n], visible(row[n]))
		}
		room -= len(gap)
	}
	if text >= 0 && !w.whole() && visible(cells[text]) > room {
		plain := []rune(uncoloured(cells[text]))
		cells[text] = string(plain[:max(0, room-1)]) + "…"
	}
	return cells
}

// wrapped is a row whose last cell goes on below its beginning.
func (w *tableWriter) wrapped(row []string) []string {
	indent := 0
	for n := range len(row) - 1 {
		indent += w.widths[n] + len(gap)
	}
	const least = 24 // a column that is narrower is no help
	last := len(row) - 1
	if w.wide || !w.onScreen || w.width-indent < least || visible(row[last]) <= w.width-indent {
		return row
	}
	return append(slices.Clone(row[:last]), wrapTo(strings.Fields(row[last]), strings.Repeat(" ", indent), w.width))
}

// line is cells in their columns.
func (w *tableWriter) line(cells []string) string {
	var b strings.Builder
	for n, cell := range cells {
		b.WriteString(cell)
		if n < len(cells)-1 {
			at := n
			if w.columns != nil {
				at = w.shown[n]
			}
			b.WriteString(strings.Repeat(" ", max(0, w.widths[at]-visible(cell))) + gap)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// visible is how many columns a cell takes.
func visible(cell string) int { return utf8.RuneCountInString(uncoloured(cell)) }

// uncoloured is a cell without its colours, which take no room.
func uncoloured(cell string) string {
	for {
		before, rest, found := strings.Cut(cell, "\x1b[")
		_, after, ends := strings.Cut(rest, "m")
		if !found || !ends {
			return cell
		}
		cell = before + after
	}
}

// wrapTo are words in lines of some width, all but the first of them indented.
func wrapTo(words []string, indent string, width int) string {
	var b strings.Builder
	column := len(indent)
	for n, word := range words {
		size := visible(word)
		switch {
		case n == 0:
		case column+1+size > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += size
	}
	return b.String()
}
