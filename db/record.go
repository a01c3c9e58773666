package db

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"iter"

	"dnsbld/listing"
)

// record is one revision as it is logged and chained:
//
//	revision (8 octets) · form · canonical request · changes · named entries
//	added · removed · altered · kept · deltaSet   of an import
//
// The chain runs over these octets, so no field may ever be written in another
// way; a new one needs another form.
type record struct {
	revision listing.Revision
	request  []byte         // canonical; only for writing
	intent   listing.Digest // of the request, as it was read
	verdict  listing.Verdict
	deltas   *deltaSet // of an import, else nil
}

// deltaSet says where the deltas of a record lie, and proves them: digest ·
// source · first octets of hosts · pieces of other entries.
type deltaSet struct {
	digest listing.Digest
	source string
	tops   []byte // first octets that have a delta of IPv4 hosts, rising
	wide   int    // pieces of the delta of the other entries
}

// Forms of a record.
const (
	applyForm   = 1
	replaceForm = 2
)

func (rec *record) encode() ([]byte, error) {
	b := make([]byte, 0, 256+len(rec.request)+160*len(rec.verdict.Changes))
	form := byte(applyForm)
	if rec.deltas != nil {
		form = replaceForm
	}
	b = append(appendRevision(b, rec.revision), form)
	b = appendText(b, rec.request)
	b, err := encodeChanges(b, rec.verdict.Changes)
	if err != nil {
		return nil, err
	}
	b = encodeNamed(b, rec.verdict.Entries, rec.verdict.Changes)
	if d := rec.deltas; d != nil {
		for _, n := range [...]int{rec.verdict.Added, rec.verdict.Removed, rec.verdict.Altered, rec.verdict.Kept} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		b = append(b, d.digest[:]...)
		b = binary.AppendUvarint(appendText(appendText(b, d.source), d.tops), uint64(d.wide))
	}
	return b, nil
}

// decodeRecord reads a record; the request stays in the file but for its
// header, and nothing of what it returns aliases the file.
func decodeRecord(raw []byte) (*record, error) {
	r := reader{b: raw}
	rec := &record{revision: listing.Revision(binary.BigEndian.Uint64(r.take(8)))}
	form := r.byte()
	var request struct {
		listing.Header
		Intent listing.Digest `json:"intent,omitzero"`
	}
	if err := json.Unmarshal(r.bytes(), &request); err != nil {
		return nil, corruptf("request of revision %d", rec.revision)
	}
	header := &request.Header
	rec.intent = request.Intent
	v := &rec.verdict
	v.Revision = rec.revision
	v.Changes = r.changes(rec.revision, header)
	v.Entries = r.named(v.Changes)
	if form == replaceForm {
		for _, n := range [...]*int{&v.Added, &v.Removed, &v.Altered, &v.Kept} {
			*n = int(r.uvarint())
		}
		rec.deltas = &deltaSet{digest: r.digest(), source: r.text(), tops: bytes.Clone(r.bytes()), wide: int(r.uvarint())}
	}
	return rec, r.err("record")
}

// header is who asked for what the record holds.
func (rec *record) header() *listing.Header { return rec.verdict.Changes[0].Header }

// sources are the source before and after an import; before is nil when there
// was none, or it had ended.
func (rec *record) sources() (before, after *listing.Source) {
	for _, c := range rec.verdict.Changes {
		if c.Kind == listing.SourceChange && c.SourceAfter != nil {
			return c.SourceBefore, c.SourceAfter
		}
	}
	return nil, nil
}

// evidence yields what the entries were listed for that the record tells of, before
// and after.
func (rec *record) evidence() iter.Seq[listing.Digest] {
	return func(yield func(listing.Digest) bool) {
		for _, c := range rec.verdict.Changes {
			for _, e := range []*listing.Entry{c.Before, c.After} {
				if e != nil && !yield(e.Evidence) {
					return
				}
			}
		}
		for _, e := range rec.verdict.Entries {
			if !yield(e.Evidence) {
				return
			}
		}
	}
}

// because is why entries of the source ended: of a sweep that their time had
// come, of an import that it no longer names them.
func (rec *record) because() listing.DelistReason {
	changes := rec.verdict.Changes
	return changes[len(changes)-1].Because
}

// encodeNamed writes the entries that a request named. Most are the entry of
// the next change, so that one byte says so.
func encodeNamed(b []byte, named []listing.Entry, changes []listing.Change) []byte {
	b = binary.AppendUvarint(b, uint64(len(named)))
	next := 0
	for n := range named {
		next = nextEntry(changes, next)
		tag := byte(namedInline)
		if next < len(changes) {
			tag = namedBy(&changes[next], &named[n])
		}
		b = append(b, tag)
		if tag == namedInline {
			b, _ = appendFull(b, &named[n]) // never fails
			continue
		}
		next++
	}
	return b
}

// How a named entry is written.
const (
	namedInline = iota // in full
	namedAfter         // as the next change of an entry left it
	namedBefore        // as it was before that change, which ended it
)

func namedBy(c *listing.Change, e *listing.Entry) byte {
	switch {
	case c.After != nil && *c.After == *e:
		return namedAfter
	case c.After == nil && c.Before != nil && *c.Before == *e:
		return namedBefore
	}
	return namedInline
}

func (r *reader) named(changes []listing.Change) []listing.Entry {
	count := r.count()
	if count == 0 {
		return nil
	}
	named := make([]listing.Entry, 0, count)
	next := 0
	for range count {
		tag := r.byte()
		if tag == namedInline {
			named = append(named, *r.full())
			continue
		}
		var e *listing.Entry
		if next = nextEntry(changes, next); next < len(changes) {
			if e = changes[next].After; tag == namedBefore {
				e = changes[next].Before
			}
		}
		if e == nil {
			r.bad = true
			return nil
		}
		named = append(named, *e)
		next++
	}
	return named
}

// nextEntry is the first change of an entry from one on.
func nextEntry(changes []listing.Change, from int) int {
	for from < len(changes) && changes[from].Kind != listing.EntryChange {
		from++
	}
	return from
}

// appendFull writes an own entry with its key.
func appendFull(b []byte, e *listing.Entry) ([]byte, error) {
	return encodeEntry(appendText(b, entryKey(e.Key)), e), nil
}

func (r *reader) full() *listing.Entry {
	k, err := parseKey(r.bytes())
	if err != nil {
		r.bad = true
	}
	e := r.entry(k)
	return &e
}
