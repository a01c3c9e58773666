package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// query reads the flags that narrow a list.
func (in *input) query() report.Query {
	q := report.Query{Reason: in.String("reason"), Within: in.within("within"), Expiring: in.life("expiring"),
		Origin: listing.Origin(in.String("origin")), Limit: in.count("limit"),
		HELO: in.String("helo"), Ticket: in.String("ticket"), Actor: in.String("actor"), Note: in.String("note"),
		Unasked: in.life("unasked"), Sort: in.String("sort")}
	in.fail(q.Check())
	if in.IsSet("source") {
		name := in.String("source")
		q.Source = &name
	}
	return q
}

// list streams: a million entries begin to appear at once, and no memory holds
// them.
func (p *program) list(ctx context.Context, q report.Query) error {
	if err := p.tellUnasked(ctx, q); err != nil {
		return err
	}
	out, t := bufio.NewWriterSize(p.stdout, 1<<16), p.human.tableOf(listColumns(q))
	for row, err := range p.client.List(ctx, q) {
		switch {
		case err != nil:
		case p.json:
			err = encode(out, row)
		default:
			err = t.row(listCells(row)...)
		}
		if err != nil {
			return joinFlush(err, t, out)
		}
	}
	return joinFlush(nil, t, out)
}

// joinFlush writes what there is, also before a failure is reported.
func joinFlush(err error, all ...interface{ Flush() error }) error {
	for _, out := range all {
		if flushErr := out.Flush(); err == nil && flushErr != nil {
			err = fmt.Errorf("writing the list: %w", flushErr)
		}
	}
	return err
}

// listColumns are those of the list. A question about hits is answered with them.
func listColumns(q report.Query) []column {
	columns := tables()["list"]
	for n, c := range columns {
		if (c.name == "hits" || c.name == "asked") && (q.Sort == report.ByHits || q.Unasked > 0) {
			columns[n].more = false
		}
	}
	return columns
}

// listCells are an entry, a cell for each column.
func listCells(r report.Row) []string {
	reason, from, hits, asked := clean(r.Reason), clean(string(r.Origin)), "", ""
	if r.Except {
		reason = "not " + reason
	}
	if r.Source != "" {
		from += " " + clean(r.Source)
	}
	if r.Hits != nil {
		hits, asked = strconv.FormatUint(*r.Hits, 10), minute(r.LastHit)
	}
	return []string{r.Subject.Text(), reason, hits, asked, shortStamp(r.Until), from, clean(r.Note), shortStamp(r.Since), clean(r.Actor), clean(r.Ticket),
		strconv.Itoa(r.Level), strconv.FormatUint(uint64(r.Revision), 10)}
}

// tellUnasked says how far back --unasked can be known: queries are counted since the
// first start of a dnsbld that counts them, and of very many listings the oldest
// counts are forgotten.
func (p *program) tellUnasked(ctx context.Context, q report.Query) error {
	if q.Unasked == 0 || p.json {
		return nil
	}
	s, err := p.client.Status(ctx)
	if err != nil || s.Asked == nil {
		return err // or List says so
	}
	since := s.Asked.Since
	if s.Asked.Forgot.After(since) {
		since = s.Asked.Forgot
	}
	if since.After(p.now().Add(-q.Unasked.Duration())) {
		fmt.Fprintf(p.stderr, "note: what was asked before %s is not known\n", stamp(since))
	}
	return nil
}
