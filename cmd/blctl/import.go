package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// A progress bar is drawn on stderr, and only if that is a terminal.

// imported is what import prints as JSON: counts of lines and of entries.
// Skipped lines name addresses that are never listed, over is lines whose own
// end has come; neither is a mistake.
type imported struct {
	changed
	Source   string        `json:"source"`
	Lines    int           `json:"lines"`
	Added    int           `json:"added"`
	Removed  int           `json:"removed"`
	Altered  int           `json:"altered"`
	Kept     int           `json:"kept"`
	Skipped  int           `json:"skipped"`
	Over     int           `json:"over"`
	Bad      int           `json:"bad"`
	BadLines []ctl.BadLine `json:"bad_lines"`

	Preview *report.Preview `json:"preview,omitempty"` // of a dry run
}

// imports reads the command that the flags of import stand for.
func (in *input) imports() ctl.Import {
	return ctl.Import{
		Import: listing.Import{Source: in.String("source"), Replace: in.Bool("replace"), For: in.life("for"),
			Note: in.String("note"), Options: in.options()},
		Format: in.String("format"), Reason: in.String("reason"), Map: in.pairs("map"), Column: in.String("column"),
		MinLines: in.count("min-lines"), SkipBad: in.Bool("skip-bad"),
	}
}

// imports sends the file as it is: the daemon parses it, so that one place knows
// reasons and policy.
func (p *program) imports(ctx context.Context, in *input) error {
	c := in.imports()
	if in.err != nil {
		return in.err
	}
	file, name, err := p.open(in.Args().First())
	if err != nil {
		return err
	}
	defer file.Close()
	out, err := p.client.Import(ctx, c, file)
	file.finish()
	p.printBadLines(name, out)
	if err != nil && out.Bad == 0 {
		return err
	}
	return p.concludeImport(c, out, err)
}

// pairs are the values A=B of a flag.
func (in *input) pairs(flag string) map[string]string {
	pairs := map[string]string{}
	for _, text := range in.StringSlice(flag) {
		from, to, ok := strings.Cut(text, "=")
		if !ok || from == "" || to == "" {
			in.fail(usageError("--%s takes THEIRS=OURS, not %s", flag, listing.Quote(text)))
		}
		pairs[from] = to
	}
	return pairs
}

// printBadLines names the first lines that cannot be imported, as compilers do, so that
// editors find them, and says once what to do about each kind.
func (p *program) printBadLines(name string, out ctl.Imported) {
	shown := map[string]bool{}
	for _, b := range out.BadLines {
		fmt.Fprintf(p.stderr, "%s:%d: %s\n", clean(name), b.Line, clean(b.Message))
		if b.Hint != "" && !shown[b.Hint] {
			fmt.Fprintf(p.stderr, "    %s\n", clean(b.Hint))
			shown[b.Hint] = true
		}
	}
	if more := out.Bad - len(out.BadLines); more > 0 {
		fmt.Fprintf(p.stderr, "… and %s more\n", plural(more, "bad line", "bad lines"))
	}
}

// concludeImport prints what the import did. Bad lines that were skipped on request are
// done in part: exit status 6.
func (p *program) concludeImport(c ctl.Import, out ctl.Imported, err error) error {
	result := imported{changed: asChanged("", out.Outcome), Source: out.Source, Lines: out.Lines, Added: out.Added, Removed: out.Removed,
		Altered: out.Altered, Kept: out.Kept, Skipped: out.Skipped, Over: out.Over, Bad: out.Bad, BadLines: list(out.BadLines), Preview: out.Preview}
	result.Reason = c.Reason
	for _, e := range out.Changes {
		if !e.Until.IsZero() {
			result.Until = &e.Until
		}
	}
	if err == nil {
		p.printImported(out)
	}
	if err := p.conclude("import", result, err); err != nil {
		return err
	}
	if out.Bad > 0 {
		return answered(exitPartly)
	}
	return nil
}

// printImported says what an import did, or would do.
func (p *program) printImported(out ctl.Imported) {
	h := p.human
	if out.DryRun {
		h.dryRun()
	}
	for _, e := range out.Changes {
		h.printf("%s%s\n", p.sentence(e), p.tail(out.Outcome))
	}
	h.printf("%d added, %d removed, %d changed, %d kept", out.Added, out.Removed, out.Altered, out.Kept)
	for _, left := range []struct {
		lines int
		why   string
	}{{out.Skipped, "of addresses that are never listed left out"}, {out.Over, "whose time has come left out"}} {
		if left.lines > 0 {
			h.printf("; %s %s", plural(left.lines, "line", "lines"), left.why)
		}
	}
	if out.Bad > 0 {
		h.printf("; %s", h.paint(yellow, plural(out.Bad, "bad line", "bad lines")+" skipped"))
	}
	h.printf("\n")
	if out.Preview != nil {
		p.printPreview(*out.Preview)
	}
	p.printInside(out.Inside)
	p.warn(out.Warnings)
}

// printPreview shows what a file would make of its source, before it does.
func (p *program) printPreview(v report.Preview) {
	h := p.human
	if v.Hidden > 0 {
		h.printf("%s would not be answered: an allow entry hides them\n", plural(v.Hidden, "line", "lines"))
	}
	for _, part := range []struct {
		label string
		texts []string
	}{{"widest", texts(v.Widest, listing.Subject.Text)},
		{"networks", texts(v.Networks, func(n report.Network) string { return fmt.Sprintf("%s (%d)", n.Subject.Text(), n.Lines) })},
		{"gone", texts(v.Gone, func(r report.Row) string { return r.Subject.Text() })}} {
		if len(part.texts) > 0 {
			h.printf("%s: %s\n", part.label, strings.Join(part.texts, ", "))
		}
	}
	h.printf("the file begins\n")
	for _, line := range v.First {
		what := clean(line.Reason)
		if line.Except {
			what = "exception from " + what
		}
		if line.New {
			what += ", new"
		}
		h.printf("  %s  %s\n", line.Subject.Text(), what)
	}
}

// texts are the things of a list, each as a text.
func texts[T any](all []T, text func(T) string) []string {
	var out []string
	for _, one := range all {
		out = append(out, text(one))
	}
	return out
}

// feedFile is a file on its way, with a progress bar on a terminal.
type feedFile struct {
	io.Reader
	close func() error
	bar   *progressbar.ProgressBar
}

// Close closes the file.
func (s *feedFile) Close() error { return s.close() }

// finish takes the progress bar away.
func (s *feedFile) finish() {
	if s.bar != nil {
		_ = s.bar.Finish() // a bar that cannot be drawn is no failure
	}
}

// open opens the file to be imported; - is standard input. It also gives the
// name under which bad lines are reported.
func (p *program) open(path string) (*feedFile, string, error) {
	if path == "-" {
		return p.measured(io.NopCloser(p.stdin), -1), "stdin", nil
	}
	f, err := os.Open(path)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && !info.IsDir() {
			return p.measured(f, info.Size()), path, nil
		}
		if err == nil {
			err = fmt.Errorf("%s is a directory", path)
		}
		err = errors.Join(err, f.Close())
	}
	return nil, "", noFile(err, "give the path of the file, or - for standard input")
}

// noFile is what is wrong with a path that somebody gave.
func noFile(err error, hint string) error {
	return invalid("no-file", oneLine(err), hint)
}

// measured shows how far a file has been read, with rate and time left. Of a
// pipe, whose size nobody knows, it shows the rate alone.
func (p *program) measured(f io.ReadCloser, size int64) *feedFile {
	s := &feedFile{Reader: f, close: f.Close}
	if !isTerminal(p.stderr) {
		return s
	}
	if size == 0 {
		size = -1
	}
	s.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(p.stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("reading"), progressbar.OptionSetPredictTime(true))
	s.Reader = io.TeeReader(f, s.bar)
	return s
}
