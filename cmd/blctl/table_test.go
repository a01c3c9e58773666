package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// printed is what a table of two entries looks like.
func printed(t *testing.T, l layout, rows ...[]string) string {
	t.Helper()
	var b bytes.Buffer
	w := printer{to: &b, layout: l}.tableOf([]column{{name: "prefix"}, {name: "until", rank: 1}, {name: "from", rank: 2}, {name: "note", rank: 3, least: 6}, {name: "by", more: true}})
	for _, row := range rows {
		if err := w.row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableFits(t *testing.T) {
	rows := [][]string{{"192.0.2.7", "2026-12-01", "operator", "seen three times", "anna"}, {"2001:db8::7", "2026-12-02", "import feed", "", "bert"}}
	for _, tt := range []struct {
		about string
		l     layout
		want  string
	}{
		{"there is room", layout{width: 60}, `
192.0.2.7    2026-12-01  operator     seen three times
2001:db8::7  2026-12-02  import feed
`},
		{"the text is cut", layout{width: 46}, `
192.0.2.7    2026-12-01  operator     seen th…
2001:db8::7  2026-12-02  import feed
`},
		{"the note goes first", layout{width: 43}, `
192.0.2.7    2026-12-01  operator
2001:db8::7  2026-12-02  import feed
`},
		{"then where it is from", layout{width: 30}, `
192.0.2.7    2026-12-01
2001:db8::7  2026-12-02
`},
		{"the prefix stays", layout{width: 5}, `
192.0.2.7
2001:db8::7
`},
		{"--wide has all", layout{width: 30, wide: true}, `
192.0.2.7    2026-12-01  operator     seen three times  anna
2001:db8::7  2026-12-02  import feed                    bert
`},
		{"--columns has those that are named, in their order", layout{width: 20, columns: []string{"note", "prefix", "by"}}, `
seen three times  192.0.2.7    anna
                  2001:db8::7  bert
`},
		{"a terminal has headings", layout{width: 30, onScreen: true}, `
PREFIX       UNTIL
192.0.2.7    2026-12-01
2001:db8::7  2026-12-02
`},
		{"--no-headers has none", layout{width: 30, onScreen: true, noHeaders: true}, `
192.0.2.7    2026-12-01
2001:db8::7  2026-12-02
`},
	} {
		if got := printed(t, tt.l, rows...); got != tt.want[1:] {
			t.Errorf("%s:\n%swant\n%s", tt.about, got, tt.want[1:])
		}
	}
	if got := printed(t, layout{width: 80, onScreen: true}); got != "" {
		t.Errorf("an empty table has headings: %q", got)
	}
}

// A long table is printed as it comes: what is wider than the first rows moves its
// own line alone, and its text is cut all the same.
func TestLongTable(t *testing.T) {
	var rows [][]string
	for range block {
		rows = append(rows, []string{"192.0.2.7", "2026-12-01", "operator", "seen three times", "anna"})
	}
	wide := []string{"2001:db8:1234:5678:9abc::/80", "2026-12-01", "operator", "seen three times", "anna"}
	lines := strings.Split(strings.TrimSpace(printed(t, layout{width: 60}, append(rows, wide)...)), "\n")
	if len(lines) != block+1 || lines[0] != "192.0.2.7  2026-12-01  operator  seen three times" {
		t.Errorf("%d lines: %s", len(lines), lines[0])
	}
	if got, want := lines[block], "2001:db8:1234:5678:9abc::/80  2026-12-01  operator  seen th…"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Colours take no room; a text that is cut loses its.
func TestTableColours(t *testing.T) {
	p := printer{colour: true}
	rows := [][]string{{p.paint(red, "192.0.2.7"), "2026-12-01", "operator", p.paint(green, "seen three times"), ""}, {"192.0.2.77", "2026-12-01", "", "", ""}}
	lines := strings.Split(printed(t, layout{width: 42}, rows...), "\n")
	if want := p.paint(red, "192.0.2.7") + "   2026-12-01  operator  seen th…"; lines[0] != want {
		t.Errorf("%q, want %q", lines[0], want)
	}
}

// Rows without named columns are wrapped on a terminal, and whole for scripts.
func TestWrappedRows(t *testing.T) {
	rows := table{{"zone", "bl.test"}, {"desk", "off: " + strings.Repeat("why and ", 8) + "so on"}}
	for _, tt := range []struct {
		l    layout
		want string
	}{
		{layout{width: 40, onScreen: true}, "zone  bl.test\ndesk  off: why and why and why and why\n      and why and why and why and why\n      and so on\n"},
		{layout{width: 40}, "zone  bl.test\ndesk  off: " + strings.Repeat("why and ", 8) + "so on\n"},
	} {
		var b bytes.Buffer
		if err := (printer{to: &b, layout: tt.l}).table(rows); err != nil || b.String() != tt.want {
			t.Errorf("%v\n%swant\n%s", err, b.String(), tt.want)
		}
	}
}

// Columns are named as their command's help says, and every row has them all.
func TestTablesOfCommands(t *testing.T) {
	app := wholeApp()
	for name, columns := range tables() {
		names := columnNames(columns)
		slices.Sort(names)
		if len(slices.Compact(names)) != len(columns) {
			t.Errorf("%s has a column twice", name)
		}
		if !slices.ContainsFunc(leaves(app.Commands), func(l leaf) bool { return strings.Join(l.path, " ") == name }) {
			t.Errorf("there is no command %s", name)
		}
	}
}

// Whatever --help prints fits 80 columns, and every command stands in it once.
func TestHelpFits(t *testing.T) {
	app := wholeApp()
	walk("", app.Commands, app.Flags, func(path string, _ []*cli.Command, _ []cli.Flag) {
		var b bytes.Buffer
		if err := (&program{stdout: &b}).help(app, strings.Fields(path)); err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(b.String(), "\n") {
			if columns := utf8.RuneCountInString(line); columns > usualWidth {
				t.Errorf("blctl %s --help, line %d has %d columns: %s", path, n+1, columns, line)
			}
		}
		if !strings.HasPrefix(b.String(), strings.TrimSpace("blctl "+path)+" - ") {
			t.Errorf("blctl %s --help begins with %q", path, fmt.Sprintf("%.60s", b.String()))
		}
	})
	var b bytes.Buffer
	if err := (&program{stdout: &b}).help(app, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range app.Commands {
		if n := strings.Count(b.String(), fmt.Sprintf("\n  %-11s %s\n", c.Name, c.Usage)); n != 1 {
			t.Errorf("%s stands in the help %d times", c.Name, n)
		}
	}
}
