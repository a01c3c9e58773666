package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// queryFlags narrow a list of entries.
func queryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "only entries for this `REASON`"},
		&cli.StringFlag{Name: "within", Usage: "only entries inside a `PREFIX`"},
		&cli.StringFlag{Name: "expiring", Usage: "only entries that end within a `DURATION`"},
		&cli.StringFlag{Name: "origin", Usage: "only entries made by an `ORIGIN`: operator, threshold or import"},
		&cli.StringFlag{Name: "source", Usage: "only entries of the imported source `NAME`; \"\": only this list's own"},
		&cli.StringFlag{Name: "helo", Usage: "only entries with a greeting like `GLOB`: *.example"},
		&cli.StringFlag{Name: "ticket", Usage: "only entries made for a ticket: `REF`"},
		&cli.StringFlag{Name: "actor", Usage: "only entries that `NAME` made or changed last"},
		&cli.StringFlag{Name: "note", Usage: "only entries whose note has this `WORD` in it, in any case"},
		&cli.StringFlag{Name: "sort", Usage: "`ORDER`: until, soonest first, or since, newest first"},
		&cli.StringFlag{Name: "limit", Usage: "the first `N` entries"},
	}
}

// query reads the flags that narrow a list.
func (in *input) query() report.Query {
	q := report.Query{Reason: in.String("reason"), Within: in.within("within"), Expiring: in.life("expiring"),
		Origin: listing.Origin(in.String("origin")), Limit: in.count("limit"),
		HELO: in.String("helo"), Ticket: in.String("ticket"), Actor: in.String("actor"), Note: in.String("note"), Sort: in.String("sort")}
	in.fail(q.Check())
	if in.IsSet("source") {
		name := in.String("source")
		q.Source = &name
	}
	return q
}

// list streams: a million entries begin to appear at once, and no memory holds
// them. On a terminal each line is shown as it comes, else in blocks.
func (p *program) list(ctx context.Context, q report.Query) error {
	out := bufio.NewWriterSize(p.stdout, 1<<16)
	terminal := isTerminal(p.stdout)
	if terminal && !p.json {
		fmt.Fprintf(out, "%-20s %-22s %-22s %s\n", "PREFIX", "REASON", "UNTIL", "FROM")
	}
	for row, err := range p.client.List(ctx, q) {
		if err == nil {
			err = p.writeRow(out, row)
		}
		if err == nil && terminal {
			err = out.Flush()
		}
		if err != nil {
			return joinFlush(err, out)
		}
	}
	return joinFlush(nil, out)
}

// joinFlush writes what there is, also before a failure is reported.
func joinFlush(err error, out *bufio.Writer) error {
	if flushErr := out.Flush(); err == nil && flushErr != nil {
		return fmt.Errorf("writing the list: %w", flushErr)
	}
	return err
}

// writeRow writes an entry as one line. Columns have a fixed width, for the widest
// is not known when the first is written.
func (p *program) writeRow(w io.Writer, r report.Row) error {
	if p.json {
		return encode(w, r)
	}
	reason, from := clean(r.Reason), clean(string(r.Origin))
	if r.Except {
		reason = "not " + reason
	}
	if r.Source != "" {
		from += " " + clean(r.Source)
	}
	if r.Note != "" {
		from += "  " + clean(r.Note)
	}
	line := fmt.Sprintf("%-20s %-22s %-22s %s", r.Subject.Text(), reason, shortStamp(r.Until), from)
	_, err := fmt.Fprintln(w, strings.TrimRight(line, " "))
	return err
}
