package db

import (
	"encoding/binary"
	"time"

	"dnsbld/listing"
)

// An entry of this list's own is written as
//
//	flags · since · until · level · origin · actor · revision
//	public note, note, ticket   with flagTexts
//	digest of the evidence      with flagEvidence
//	past                        with flagBefore: how the listing before ended
//
// so that an entry without these takes some 30 octets. Its key stands before it
// in a bucket, and in a record (appendFull).

// Flags of an entry of this list's own.
const (
	flagExcept = 1 << iota
	flagTexts
	flagEvidence
	flagBefore
)

// encodeEntry is an own entry without its key.
func encodeEntry(b []byte, e *listing.Entry) []byte {
	flags := byte(0)
	set := func(flag byte, on bool) bool {
		if on {
			flags |= flag
		}
		return on
	}
	set(flagExcept, e.Except)
	texts := set(flagTexts, e.PublicNote != "" || e.Note != "" || e.Ticket != "")
	evidence := set(flagEvidence, e.Evidence != listing.Digest{})
	before := set(flagBefore, e.Before != listing.Past{})

	b = appendTime(appendTime(append(b, flags), e.Since), e.Until)
	b = binary.AppendUvarint(b, uint64(max(e.Level, 0)))
	b = appendText(appendText(b, e.Origin), e.Actor)
	b = binary.AppendUvarint(b, uint64(e.Revision))
	if texts {
		b = appendText(appendText(appendText(b, e.PublicNote), e.Note), e.Ticket)
	}
	if evidence {
		b = append(b, e.Evidence[:]...)
	}
	if before {
		b = encodePast(b, e.Before)
	}
	return b
}

// entry reads what encodeEntry wrote.
func (r *reader) entry(k listing.Key) listing.Entry {
	flags := r.byte()
	e := listing.Entry{Key: k, Except: flags&flagExcept != 0, Since: r.time(), Until: r.time(), Level: int(r.uvarint())}
	e.Origin, e.Actor = origin(r.bytes()), r.text()
	e.Revision = listing.Revision(r.uvarint())
	if flags&flagTexts != 0 {
		e.PublicNote, e.Note, e.Ticket = r.text(), r.text(), r.text()
	}
	if flags&flagEvidence != 0 {
		e.Evidence = r.digest()
	}
	if flags&flagBefore != 0 {
		e.Before = r.past()
	}
	return e
}

// origin spares an allocation for each entry of the usual origins.
func origin(b []byte) listing.Origin {
	for _, o := range [...]listing.Origin{listing.ByOperator, listing.ByThreshold, listing.ByImport} {
		if string(b) == string(o) {
			return o
		}
	}
	return listing.Origin(b)
}

func decodeEntry(key, value []byte) (listing.Entry, error) {
	k, err := parseKey(key)
	if err != nil {
		return listing.Entry{}, err
	}
	r := reader{b: value}
	e := r.entry(k)
	return e, r.err("entry " + k.Subject.String())
}

// encodePast is how a listing ended: level · end.
func encodePast(b []byte, p listing.Past) []byte {
	return appendTime(binary.AppendUvarint(b, uint64(max(p.Level, 0))), p.Ended)
}

func (r *reader) past() listing.Past {
	return listing.Past{Level: int(r.uvarint()), Ended: r.time()}
}

// encodeServed is what start-up reads of an own entry: flags · until · its own
// text, up to the end. It stands in a bucket of its own, since an entry is
// mostly what no query asks for.
func encodeServed(e *listing.Entry) []byte {
	flags := byte(0)
	if e.Except {
		flags = flagExcept
	}
	b := make([]byte, 0, 16+len(e.PublicNote))
	b = appendTime(append(b, flags), e.Until)
	return append(b, e.PublicNote...)
}

func decodeServed(key, value []byte) (listing.Served, error) {
	k, err := parseKey(key)
	if err != nil {
		return listing.Served{}, err
	}
	if value, err = unseal(key, value); err != nil {
		return listing.Served{}, err
	}
	r := reader{b: value}
	s := listing.Served{Key: k, Except: r.byte()&flagExcept != 0, Until: r.time()}
	s.Text = string(r.rest())
	return s, r.err("served entry")
}

// seconds is an instant to the second, 0 for the zero time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.Unix(), 1)
}

func instant(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}
