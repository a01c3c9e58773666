package db

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/nice"

	bolt "go.etcd.io/bbolt"
)

// Audit is VerifyFrom, or with full VerifyFull.
func (d *DB) Audit(ctx context.Context, from listing.Checkpoint, full bool) (v listing.Verified, err error) {
	if full {
		v, err = d.VerifyFull(ctx, from)
	} else {
		v, err = d.VerifyFrom(ctx, from)
	}
	if e, ok := errors.AsType[*listing.Error](err); ok && errors.Is(err, listing.ErrCorrupt) && errors.Is(err, listing.ErrUnavailable) {
		found := *e // that the file is damaged is an answer here, and none to be asked for again
		found.Kind, err = listing.ErrCorrupt, &found
	}
	return v, err
}

// VerifyFull is VerifyFrom, and then proves that the list is what its log makes of
// it: entries, what is served of them, how listings ended, allow entries,
// documents, sources with their contents, history and remembered requests. What
// differs is named in the outcome, and is listing.ErrCorrupt with the code
// "differs". What was seen is proved by the digests that changes have of it.
//
// The log is replayed into a file of its own, in short transactions; the comparison
// at the end is one.
func (d *DB) VerifyFull(ctx context.Context, from listing.Checkpoint) (v listing.Verified, err error) {
	if err := d.maintain(ctx); err != nil {
		return v, err
	}
	defer func() { <-d.upkeep }()
	if v, err = d.VerifyFrom(ctx, from); err != nil && !damaged(err) {
		return v, err
	}
	found := differences{}
	nice.Do(func() {
		if failed := d.prove(ctx, &found, &v.Replayed); failed != nil {
			err = failed
		}
	})
	v.Differ, v.Differences = found.n, found.some
	if err == nil && found.n > 0 {
		err = &listing.Error{Kind: listing.ErrCorrupt, Code: "differs",
			Message: fmt.Sprintf("the chain holds, but the list is not what its log makes of it: %d differ, the first is %s", found.n, found.some[0]),
			Hint:    "`blctl rebuild` makes the list anew from its log, once dnsbld is stopped"}
	}
	return v, err
}

// damaged reports whether a verification found the chain whole and a checksum wrong:
// the replay then says what it should be.
func damaged(err error) bool {
	var e *listing.Error
	return errors.As(err, &e) && e.Code == "damaged"
}

// prove replays the log and compares.
func (d *DB) prove(ctx context.Context, found *differences, records *int) (err error) {
	b, err := scratch(d.path)
	if err != nil {
		return fmt.Errorf("replaying the log: %w", outward(err))
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	p := player{to: b, proving: true}
	if err := d.read(func(s *state) (err error) {
		p.next, err = s.beginWith(b)
		return err
	}); err != nil {
		return err
	}
	if err := p.playAll(ctx, d.read); err != nil {
		return err
	}
	*records = p.records
	return d.read(func(s *state) error {
		for ended := false; !ended; { // what was decided meanwhile
			if ended, err = p.some(s); err != nil {
				return err
			}
		}
		*records = p.records
		if err := b.View(func(tx *bolt.Tx) error { return found.compare(s.tx, tx) }); err != nil {
			return err
		}
		if err := s.proveDone(found); err != nil {
			return err
		}
		return s.proveEvidence(found)
	})
}

// mostNamed is how many differences are named; all are counted.
const mostNamed = 100

// differences collects what a list is not, and should be.
type differences struct {
	n    int
	some []listing.Difference
}

func (f *differences) add(what, kept, log string) {
	if f.n++; len(f.some) < mostNamed {
		f.some = append(f.some, listing.Difference{What: what, Kept: kept, Log: log})
	}
}

// compare looks at all that a replay makes. The configuration in force is looked at
// by itself: the rest of its bucket is about the file.
func (f *differences) compare(kept, made *bolt.Tx) error {
	apart := [][]byte{metaBucket, deltasBucket, logBucket, evidenceBucket, doneBucket, agedBucket}
	for _, name := range allBuckets() {
		if slices.ContainsFunc(apart, func(other []byte) bool { return bytes.Equal(name, other) }) {
			continue
		}
		if err := f.buckets(string(name), kept.Bucket(name), made.Bucket(name)); err != nil {
			return err
		}
	}
	is, should := kept.Bucket(metaBucket).Get(configKey), made.Bucket(metaBucket).Get(configKey)
	if !bytes.Equal(is, should) {
		f.add("the configuration", string(is), string(should))
	}
	have, err := readHead(kept)
	if err != nil {
		return err
	}
	want, err := readHead(made)
	if err == nil && have.entries != want.entries {
		f.add("the number of entries", fmt.Sprint(have.entries), fmt.Sprint(want.entries))
	}
	return err
}

// buckets compares two side by side, with the buckets inside them. Either may be
// nil: it is empty then. Blocks of entries are compared entry by entry: where they
// end follows from more than the log.
func (f *differences) buckets(path string, kept, made *bolt.Bucket) error {
	c, o := cursorOf(path, kept), cursorOf(path, made)
	k, v := c.First()
	other, want := o.First()
	for c.err() == nil && (k != nil || other != nil) {
		key, is, should := k, v, want
		order := compareKeys(k, other)
		if order < 0 {
			should = nil
		} else if order > 0 {
			key, is = other, nil
		}
		if is != nil || should != nil {
			f.pair(path, key, is, should)
		} else if err := f.buckets(path+"/"+string(key), bucketAt(kept, key), bucketAt(made, key)); err != nil {
			return err
		}
		if order <= 0 {
			k, v = c.Next()
		}
		if order >= 0 {
			other, want = o.Next()
		}
	}
	if err := c.err(); err != nil { // what comes after it is not known
		f.add(path, err.Error(), "")
	}
	return o.err()
}

// isPart reports whether a path, contents/name/part, leads to such a part of a source. A
// source may have the name of a part.
func isPart(path string, part []byte) bool {
	return strings.Count(path, "/") == 2 && strings.HasSuffix(path, "/"+string(part))
}

func cursorOf(path string, b *bolt.Bucket) cursor {
	switch {
	case b == nil:
		return noCursor{}
	case isPart(path, netsBucket):
		return &netCursor{blocks: b.Cursor()}
	}
	return keyCursor{b.Cursor()}
}

func bucketAt(b *bolt.Bucket, key []byte) *bolt.Bucket {
	if b == nil {
		return nil
	}
	return b.Bucket(key)
}

// pair compares the values of a key.
func (f *differences) pair(path string, key, is, should []byte) {
	switch {
	case bytes.Equal(is, should):
	case isPart(path, hostsBucket):
		f.hosts(path, key, is, should)
	default:
		if k, s := valueText(path, key, is), valueText(path, key, should); k != s {
			f.add(path+" "+keyText(path, key), k, s)
		}
	}
}

// hosts compares two blocks host by host. One that cannot be read is named whole.
func (f *differences) hosts(path string, key, is, should []byte) {
	kept, err := hostTexts(key, is)
	if err != nil {
		f.add(fmt.Sprintf("%s %d.%d.0.0/16", path, key[0], key[1]), err.Error(), fmt.Sprintf("%d octets", len(should)))
		return
	}
	made, _ := hostTexts(key, should) // what a replay has just made can be read
	for _, at := range sortedKeys(kept, made) {
		if kept[at] != made[at] {
			f.add(path+" "+hostSubject(at).Text(), kept[at], made[at])
		}
	}
}

// hostTexts are the hosts of a block, and what is said of each.
func hostTexts(key, raw []byte) (map[uint32]string, error) {
	all := map[uint32]string{}
	if raw == nil {
		return all, nil
	}
	var b blockReader
	if err := b.open(key, raw); err != nil {
		return nil, err
	}
	for n := range b.len() {
		at, a, err := b.host(n)
		if err != nil {
			return nil, err
		}
		all[at] += fmt.Sprintf("%+v", *a)
	}
	return all, nil
}

func sortedKeys(a, b map[uint32]string) []uint32 {
	var all []uint32
	for _, m := range [...]map[uint32]string{a, b} {
		for at := range m {
			all = append(all, at)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// keyText is a key for people: a subject and what comes after it, or a name.
func keyText(path string, key []byte) string {
	s, rest, ok := cutSubject(key)
	switch {
	case !ok:
		return fmt.Sprintf("%q", key)
	case path == string(historyBucket):
		revision, _, _ := cutRevision(rest)
		return fmt.Sprintf("%s, revision %d", s.Text(), revision)
	case len(rest) == 1:
		return fmt.Sprintf("%s, reason %d", s.Text(), rest[0])
	}
	return s.Text()
}

// valueText is a value for people, so that values which mean the same are the same
// text: objects may have been written by another version.
func valueText(path string, key, value []byte) string {
	if value == nil {
		return ""
	}
	text := func(v any, err error) string {
		if err != nil {
			return err.Error()
		}
		raw, _ := json.Marshal(v)
		return string(raw)
	}
	switch path {
	case string(entriesBucket):
		return text(decodeEntry(key, value))
	case string(servedBucket):
		return text(decodeServed(key, value))
	case string(allowsBucket):
		var a listing.Allow
		err := decodeJSON(key, value, &a)
		return text(a, err)
	case string(sourcesBucket):
		var s listing.Source
		err := decodeJSON(key, value, &s)
		return text(s, err)
	}
	if isPart(path, netsBucket) {
		a, err := decodeAttrs(value)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%+v", a)
	}
	return fmt.Sprintf("%q", value)
}

// proveDone looks whether each remembered request that has a record is the one
// that the record is of.
func (s *state) proveDone(found *differences) error {
	return s.tx.Bucket(doneBucket).ForEach(func(id, raw []byte) error {
		d, err := decodeDone(raw)
		if err == nil && !d.logged {
			return nil
		}
		what := "the request " + listing.Quote(string(id))
		if err != nil {
			found.add(what, err.Error(), "")
			return nil
		}
		rec, err := s.recent(d.revision)
		if err != nil {
			found.add(what, fmt.Sprintf("revision %d", d.revision), err.Error())
			return nil
		}
		r := listing.Request{Header: *rec.header(), Intent: rec.intent}
		if r.ID != string(id) || r.Fingerprint() != d.fingerprint {
			found.add(what, fmt.Sprintf("revision %d", d.revision), "that revision is of "+listing.Quote(r.ID))
		}
		return nil
	})
}

// proveEvidence looks whether what was seen has the digest that it lies under.
func (s *state) proveEvidence(found *differences) error {
	return s.tx.Bucket(evidenceBucket).ForEach(func(sum, raw []byte) error {
		var e listing.Evidence
		if err := decodeJSON(sum, raw, &e); err != nil {
			found.add(fmt.Sprintf("evidence %x", sum), err.Error(), "")
		} else if have := e.Sum(); !bytes.Equal(have[:], sum) {
			found.add(fmt.Sprintf("evidence %x", sum), have.String(), "")
		}
		return nil
	})
}
