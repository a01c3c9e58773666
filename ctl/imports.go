package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/feed"
	"dnsbld/listing/report"
)

// Import is a file to be imported, the file itself apart.
type Import struct {
	listing.Import
	Format   string            // as feed knows it; empty: plain
	Reason   string            // of lines that name none
	Map      map[string]string // what the file calls reasons, to ours
	MinLines int               // refuse a file with fewer good lines
	SkipBad  bool              // leave out lines that cannot be read, instead of refusing the file
}

// BadLine is a line of a file that cannot be imported.
type BadLine struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Imported is what an import did, or with DryRun would do.
type Imported struct {
	Outcome
	Source   string    `json:"source"`
	Lines    int       `json:"lines"` // good ones
	Added    int       `json:"added"`
	Removed  int       `json:"removed"`
	Altered  int       `json:"altered"`
	Kept     int       `json:"kept"`
	Skipped  int       `json:"skipped"` // lines that name addresses which are never listed
	Over     int       `json:"over"`    // lines whose own end has come
	Bad      int       `json:"bad"`
	BadLines []BadLine `json:"bad_lines,omitempty"` // the first ones
}

// shownBad is how many bad lines are reported one by one.
const shownBad = 20

// stall is how long an import may wait for the next part of its file.
const stall = time.Minute

func (c Import) values() url.Values {
	v := url.Values{}
	raw, err := json.Marshal(c.Import)
	if err == nil { // it is made of what marshals
		v.Set("command", string(raw))
	}
	for name, value := range map[string]string{"format": c.Format, "reason": c.Reason} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for from, to := range c.Map {
		v.Add("map", from+"="+to)
	}
	if c.MinLines > 0 {
		v.Set("min-lines", strconv.Itoa(c.MinLines))
	}
	if c.SkipBad {
		v.Set("skip-bad", "true")
	}
	return v
}

func parseImport(v url.Values) (c Import, err error) {
	d := json.NewDecoder(strings.NewReader(v.Get("command")))
	d.DisallowUnknownFields()
	if err := d.Decode(&c.Import); err != nil {
		return c, invalid("bad-request", "the request cannot be read: "+err.Error(), "blctl and dnsbld are perhaps of different versions")
	}
	c.Format, c.Reason, c.SkipBad = v.Get("format"), v.Get("reason"), v.Get("skip-bad") == "true"
	for _, pair := range v["map"] {
		from, to, ok := strings.Cut(pair, "=")
		if !ok || from == "" || to == "" {
			return c, invalid("bad-map", listing.Quote(pair)+" is not a pair of reasons", "write --map THEIRS=OURS, for example --map 127.0.0.4=helo-bare-ip")
		}
		if c.Map == nil {
			c.Map = map[string]string{}
		}
		c.Map[from] = to
	}
	if text := v.Get("min-lines"); text != "" {
		if c.MinLines, err = strconv.Atoi(text); err != nil || c.MinLines < 0 {
			return c, invalid("bad-number", "a least number of lines is a number", "for example --min-lines 1000")
		}
	}
	return c, checkKey(c.IdempotencyKey)
}

// imports reads the file in the body, as it arrives, into a source.
func (s *Server) imports(w http.ResponseWriter, r *http.Request, who Caller) error {
	c, err := parseImport(r.URL.Query())
	if err != nil {
		return err
	}
	if c.Source == "" {
		c.Source = "import"
	}
	in := &intake{Imported: Imported{Source: c.Source}, command: c}
	if c.DryRun {
		if in.reach, err = s.reach(r.Context()); err != nil {
			return err
		}
	}
	body := &patient{Reader: r.Body, control: http.NewResponseController(w)}
	reader, err := in.reader(body, s.cfg.Book.Rules().Reasons, s.cfg.Book.Now())
	if err != nil {
		body.drain()
		return err
	}
	res, err := s.cfg.Book.Import(r.Context(), who, c.Import, in.entries(reader), func(_ listing.Entry, err error) error {
		in.Lines--
		return in.bad(reader.Line(), err)
	})
	if err != nil {
		body.drain()
		if in.refusal != nil {
			err = in.refusal // without what the store was doing
		}
		if in.Bad > 0 {
			err = &partial{err, in.Imported}
		}
		return err
	}
	setDeadline(body.control, time.Time{})
	if in.Outcome, err = s.outcome(res, c.DryRun); err != nil {
		return err
	}
	in.Added, in.Removed, in.Altered, in.Kept = res.Added, res.Removed, res.Verdict.Altered, res.Kept
	in.Skipped, in.Over = res.Skipped, res.Over
	if in.reach != nil {
		if in.Inside, err = in.reach.Result(); err != nil {
			return err
		}
	}
	in.Addresses = float64(res.Added + res.Removed + res.Verdict.Altered)
	return reply(w, http.StatusOK, in.Imported)
}

// intake is an import while its file is read.
type intake struct {
	Imported
	command Import
	reach   *report.Reach // of a dry run
	refusal error         // of the file as a whole
}

// bad takes note of a line that cannot be imported.
func (in *intake) bad(line int, err error) error {
	if in.Bad++; in.Bad <= shownBad {
		in.BadLines = append(in.BadLines, BadLine{Line: line, Message: err.Error()})
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
	if timedOut(err) && !errors.Is(err, context.Canceled) {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "stalled",
			Message: fmt.Sprintf("nothing of the file came for %s; nothing was changed", listing.Life(stall)),
			Hint:    "write it to disk first, then import it"}
	}
	return err
}

// patient is a body that may come slowly, but not stop.
type patient struct {
	io.Reader
	control *http.ResponseController
	begun   bool
}

func (p *patient) Read(b []byte) (int, error) {
	p.begun = true
	setDeadline(p.control, time.Now().Add(stall))
	return p.Reader.Read(b)
}

// drain reads what is left of a body that was begun. A client that still sends
// when the connection is closed loses the answer; one that was not asked for
// the body yet does not send it.
func (p *patient) drain() {
	if !p.begun {
		return
	}
	setDeadline(p.control, time.Now().Add(stall))
	_, _ = io.Copy(io.Discard, p.Reader) // what is wrong with the file has been said
	setDeadline(p.control, time.Time{})
}

// Import sends a file. The error of one that was refused for bad lines comes
// with the report that names them.
func (c *Client) Import(ctx context.Context, cmd Import, file io.Reader) (out Imported, err error) {
	resp, err := c.do(ctx, http.MethodPost, "/v1/import", cmd.values(), file, &out)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, lost(err)
	}
	return out, nil
}

// reader reads the file line by line.
func (in *intake) reader(body io.Reader, reasons *listing.Reasons, now time.Time) (*feed.Reader, error) {
	o := feed.Options{Format: in.command.Format, Reasons: reasons, Map: map[string]listing.Reason{}, Now: now,
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
