package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/feed"
	"dnsbld/listing/report"
)

// shownBad is how many bad lines are reported one by one.
const shownBad = 20

// imports reads a file, as it arrives, into a source.
func (s *Server) imports(ctx context.Context, who listing.Caller, c ctl.Import, file io.Reader) (out ctl.Imported, err error) {
	if err := checkKey(c.IdempotencyKey); err != nil {
		return out, err
	}
	c.Source = cmp.Or(c.Source, "import")
	in := &intake{Imported: ctl.Imported{Source: c.Source}, command: c}
	if c.DryRun {
		if in.reach, err = s.reach(ctx); err != nil {
			return out, err
		}
		if in.preview, err = report.NewPreviewer(ctx, s.cfg.Book, c.Source); err != nil {
			return out, err
		}
	}
	reader, err := in.reader(file, s.cfg.Book.Rules().Reasons, s.cfg.Book.Now())
	if err != nil {
		return out, err
	}
	res, err := s.cfg.Book.Import(ctx, who, c.Import, in.entries(reader), func(_ listing.Entry, err error) error {
		in.Lines--
		return in.bad(reader.Line(), err)
	})
	if err != nil {
		if in.refusal != nil {
			err = in.refusal // without what the store was doing
		}
		if in.Bad > 0 {
			err = &partial{err, in.Imported}
		}
		return out, err
	}
	if in.Outcome, err = s.outcome(ctx, res, c.DryRun); err != nil {
		return out, err
	}
	in.Added, in.Removed, in.Altered, in.Kept = res.Added, res.Removed, res.Verdict.Altered, res.Kept
	in.Skipped, in.Over = res.Skipped, res.Over
	in.Addresses = float64(res.Added + res.Removed + res.Verdict.Altered)
	in.Warnings = append(in.Warnings, reader.Warnings()...)
	if in.reach != nil {
		if in.Inside, err = in.reach.Result(); err == nil {
			in.Preview, err = in.preview.Result(ctx, c.Replace)
		}
	}
	return in.Imported, err
}

// intake is an import while its file is read.
type intake struct {
	ctl.Imported
	command ctl.Import
	reach   *report.Reach     // of a dry run
	preview *report.Previewer // of a dry run
	refusal error             // of the file as a whole
}

// bad takes note of a line that cannot be imported.
func (in *intake) bad(line int, err error) error {
	if in.Bad++; in.Bad <= shownBad {
		bad := ctl.BadLine{Line: line, Message: err.Error()}
		if why, ok := errors.AsType[*listing.Error](err); ok {
			bad.Hint = why.Hint
		}
		in.BadLines = append(in.BadLines, bad)
	}
	return nil
}

// entries passes on the good lines, also after a bad one, so that all bad ones
// are found; then, unless such are to be left out, the import is refused.
func (in *intake) entries(r *feed.Reader) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for e, err := range r.Entries() {
			if err != nil {
				yield(e, unreadable(err))
				return
			}
			in.Lines++
			if in.reach != nil {
				in.reach.Touch(e.Subject)
				in.preview.Add(e)
			}
			if !yield(e, nil) {
				return
			}
		}
		if in.refusal = in.verdict(); in.refusal != nil {
			yield(listing.Entry{}, in.refusal)
		}
	}
}

// verdict is what there is to say against the file as a whole.
func (in *intake) verdict() error {
	switch {
	case in.Bad > 0 && in.Lines == 0 && in.command.Format == "":
		return invalid("bad-lines", fmt.Sprintf("none of %d lines can be imported; nothing was changed", in.Bad),
			"is the file written in another format than plain? Say so with --format; `blctl import --help` has them all")
	case in.Bad > 0 && !in.command.SkipBad:
		return invalid("bad-lines", fmt.Sprintf("%d of %d lines cannot be imported; nothing was changed", in.Bad, in.Bad+in.Lines),
			"correct them, or leave them out with --skip-bad")
	case in.Lines == 0:
		return &listing.Error{Kind: listing.ErrPolicy, Code: "empty-file", Message: "the file lists nothing; nothing was changed",
			Hint: "was it cut short? `blctl source drop " + in.Source + "` ends a source"}
	case in.Lines < in.command.MinLines:
		return &listing.Error{Kind: listing.ErrPolicy, Code: "too-few-lines",
			Message: fmt.Sprintf("the file has %d good lines, fewer than %d; nothing was changed", in.Lines, in.command.MinLines),
			Hint:    "was it cut short? If it is right, give a smaller --min-lines"}
	}
	return nil
}

// unreadable explains why a file stopped coming.
func unreadable(err error) error {
	if ctl.TimedOut(err) && !errors.Is(err, context.Canceled) {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "stalled",
			Message: fmt.Sprintf("nothing of the file came for %s; nothing was changed", listing.Life(stall)),
			Hint:    "write it to disk first, then import it"}
	}
	return err
}

// reader reads the file line by line.
func (in *intake) reader(body io.Reader, reasons *listing.Reasons, now time.Time) (*feed.Reader, error) {
	o := feed.Options{Format: in.command.Format, Reasons: reasons, Map: map[string]listing.Reason{}, Column: in.command.Column, Now: now,
		Bad: func(b feed.BadLine) error { return in.bad(b.Line, b.Err) }}
	if o.Format == "" {
		o.Format = "plain"
	}
	if in.command.Reason != "" {
		info, err := reasons.Find(in.command.Reason)
		if err != nil {
			return nil, err
		}
		o.Reason = info.Code
	}
	for from, to := range in.command.Map {
		info, err := reasons.Find(to)
		if err != nil {
			return nil, err
		}
		o.Map[from] = info.Code
	}
	return feed.Read(body, o)
}
