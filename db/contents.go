package db

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"dnsbld/listing"
)

// contents is what an import says: records of its entries in a spool, in runs that
// are sorted. So it takes little memory, whatever the import says. A record is
//
//	order · octets of the address · for others than hosts the length · reason
//	length of the attributes · attributes
//
// in which order is 0 for an IPv4 host, else the family: as bytes they are in the
// order in which they are compared with what there is, hosts before all others.
type contents struct {
	spool
	runs  [][][]byte // each in pieces of whole records
	last  []byte     // key of the last record of the last run
	buf   []byte     // records of the next run
	items []runItem  // where each begins
	mixed bool       // they are not in order
	raw   []byte     // scratch
}

// runItem is a record of a run that is collected.
type runItem struct {
	lead     uint64 // the first octets of its key
	at, size uint32
}

// Limits of a run, and the size of its pieces.
const (
	runItems = 1 << 17
	runBytes = 4 << 20
	runPiece = 64 << 10
)

const hostOrder = 0

// orderLen is the length of a key by its first octet.
func orderLen(order byte) int {
	switch order {
	case hostOrder:
		return 1 + octets4 + 1
	case family4:
		return subjectLen4 + 1
	}
	return subjectLen6 + 1
}

// gather takes in entries until they end.
func (c *contents) gather(ctx context.Context, entries iter.Seq2[listing.Entry, error]) error {
	const lookUp = 1024 // how many entries between looks at ctx
	n := 0
	for e, err := range entries {
		if err == nil && n%lookUp == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = c.add(&e)
		}
		if err != nil {
			return err
		}
		n++
	}
	if err := c.endRun(); err != nil {
		return err
	}
	c.buf, c.items = nil, nil
	return ctx.Err()
}

// add takes in one entry. Which source says so is the request's to say.
func (c *contents) add(e *listing.Entry) error {
	if err := checkSubject(e.Subject); err != nil {
		return err
	}
	if err := listing.CheckEnd(e.Until); err != nil {
		return fmt.Errorf("%s: %w", e.Subject, err)
	}
	if len(c.items) == runItems || len(c.buf) >= runBytes {
		if err := c.endRun(); err != nil {
			return err
		}
	}
	at := len(c.buf)
	if isHost4(e.Subject) {
		c.buf = append(binary.BigEndian.AppendUint32(append(c.buf, hostOrder), e.Subject.V4()), byte(e.Reason))
	} else {
		c.buf = appendKey(c.buf, e.Key)
	}
	var lead [8]byte
	copy(lead[:], c.buf[at:])
	item := runItem{lead: binary.BigEndian.Uint64(lead[:]), at: uint32(at)}
	c.mixed = c.mixed || (len(c.items) > 0 && c.items[len(c.items)-1].lead >= item.lead)
	c.raw = encodeAttrs(c.raw[:0], &attrs{since: seconds(e.Since), until: seconds(e.Until), reason: e.Reason, except: e.Except,
		public: e.PublicNote, note: e.Note, ticket: e.Ticket})
	c.buf = appendText(c.buf, c.raw)
	item.size = uint32(len(c.buf) - at)
	c.items = append(c.items, item)
	return nil
}

// cutRecord takes the first record off some.
func cutRecord(b []byte) (key, raw, rest []byte) {
	n := orderLen(b[0])
	r := reader{b: b[n:]}
	raw = r.bytes()
	return b[:n], raw, r.b
}

// endRun sorts what was collected, and keeps it.
func (c *contents) endRun() error {
	if c.mixed {
		slices.SortFunc(c.items, func(a, b runItem) int {
			if a.lead != b.lead {
				return cmp.Compare(a.lead, b.lead)
			}
			x, _, _ := cutRecord(c.buf[a.at:])
			y, _, _ := cutRecord(c.buf[b.at:])
			return bytes.Compare(x, y)
		})
	}
	if len(c.items) > 0 {
		if first, _, _ := cutRecord(c.buf[c.items[0].at:]); len(c.runs) == 0 || bytes.Compare(first, c.last) <= 0 {
			c.runs = append(c.runs, nil)
		}
		last, _, _ := cutRecord(c.buf[c.items[len(c.items)-1].at:])
		c.last = bytes.Clone(last)
	}
	run := len(c.runs) - 1
	piece := c.raw[:0]
	for n, item := range c.items {
		piece = append(piece, c.buf[item.at:item.at+item.size]...)
		if len(piece) >= runPiece || n == len(c.items)-1 {
			kept, err := c.keep(piece)
			if err != nil {
				return err
			}
			c.runs[run], piece = append(c.runs[run], kept), piece[:0]
		}
	}
	c.raw, c.buf, c.items, c.mixed = piece, c.buf[:0], c.items[:0], false
	return nil
}

// checkSource looks at the name, which is a key on disk.
func checkSource(s *listing.SourceEdit) error {
	if s == nil || s.Name == "" || len(s.Name) > mostName {
		return fmt.Errorf("import without a source, or with a name over %d bytes: %w", mostName, listing.ErrInvalid)
	}
	return nil
}
