package db

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// The log says how the list came about: its records have both sides of every
// change, and the deltas those of imports. To replay it is to make these changes
// again in another file, by the code that made them first. Nothing is decided
// again, so that a replay of a list of years ago needs no rules of that time. It
// is how a list is proved (prove.go) and made anew (rebuild.go).

// replay makes a list from the records of another, one after the other.
type replay struct {
	*writing      // of the list that is made
	proving  bool // what is made is looked at and thrown away: it needs no log of its own
}

// record makes the changes of one record of the list from, as it lies in its log.
func (p *replay) record(from *state, value []byte) error {
	if len(value) <= len(listing.Digest{}) {
		return corruptf("the record after revision %d", p.head.revision)
	}
	chain, raw := listing.Digest(value[:len(listing.Digest{})]), value[len(listing.Digest{}):]
	rec, err := decodeRecord(raw)
	if err != nil {
		return err
	}
	for n := range rec.verdict.Changes {
		if err := p.change(&rec.verdict.Changes[n], n); err != nil {
			return err
		}
	}
	if rec.deltas != nil {
		plan, err := p.planAgain(from, rec)
		if err == nil {
			err = p.putContents(plan, rec.revision)
		}
		if err != nil {
			return err
		}
	}
	p.head.revision, p.head.chain = rec.revision, chain
	if p.proving {
		return nil
	}
	return p.log(raw, &listing.Request{Header: *rec.header(), Intent: rec.intent})
}

// planAgain is the plan of an import as its deltas say it was.
func (p *replay) planAgain(from *state, rec *record) (*plan, error) {
	deltas := from.tx.Bucket(deltasBucket).Bucket([]byte(rec.deltas.source))
	if deltas == nil {
		return nil, corruptf("deltas of source %s", rec.deltas.source)
	}
	again := &plan{name: rec.deltas.source}
	var hosts, nets *bolt.Bucket
	var others []delta // in pieces
	if own := p.tx.Bucket(contentsBucket).Bucket([]byte(again.name)); own != nil {
		hosts, nets = own.Bucket(hostsBucket), own.Bucket(netsBucket)
		again.base = 1 // there is something
	}
	for _, c := range rec.deltas.chunks() {
		c.raw = deltas.Get(c.key(rec.revision))
		d, err := c.open(c.raw)
		if h, ok := d.(*hostDelta); ok && err == nil {
			err = again.hostsAgain(hosts, h)
		} else if err == nil {
			others = append(others, d)
		}
		if err != nil {
			return nil, err
		}
		if !p.proving {
			again.deltas = append(again.deltas, c)
		}
	}
	return again, again.netsAgain(nets, others)
}

// hostsAgain makes the blocks that a delta of IPv4 hosts changes.
func (p *plan) hostsAgain(have *bolt.Bucket, d *hostDelta) (err error) {
	if _, err := d.decode(nil); err != nil {
		return err
	}
	block := blockAgain{}
	block.next.low = blockLow
	for n := range d.len() {
		v4, step, err := d.host(n)
		if err != nil {
			return err
		}
		if key := hostKey(v4); block.key == nil || string(key) != string(block.key) {
			if err := block.end(p); err != nil {
				return err
			}
			if err := block.begin(key, have); err != nil {
				return err
			}
		}
		if err := block.step(v4, &step); err != nil {
			return err
		}
	}
	return block.end(p)
}

// blockAgain is a block that is made from the one before and what changed in it.
type blockAgain struct {
	key  []byte
	old  blockReader
	at   int // the first host of old not yet taken
	next tableBuilder[attrs]
}

func (b *blockAgain) begin(key []byte, have *bolt.Bucket) error {
	b.key, b.at, b.old = key, 0, blockReader{}
	b.next.reset()
	if have == nil {
		return nil
	}
	if raw := have.Get(key); raw != nil {
		return b.old.open(key, raw)
	}
	return nil
}

// step takes over what stands up to a host, then what became of that.
func (b *blockAgain) step(v4 uint32, t *transition) error {
	is := &t.after
	if t.hasBefore {
		is = &t.before
	}
	for ; b.at < b.old.len(); b.at++ {
		at, a, err := b.old.host(b.at)
		if err != nil {
			return err
		}
		if orderHosts(at, a, v4, is) >= 0 {
			break
		}
		b.next.add(at&0xffff, *a)
	}
	if t.hasBefore {
		at, a, err := uint32(0), (*attrs)(nil), error(nil)
		if b.at < b.old.len() {
			at, a, err = b.old.host(b.at)
		}
		if err != nil || a == nil || at != v4 || *a != t.before {
			return errors.Join(corruptf("a delta changes %s, which was not so", hostSubject(v4)), err)
		}
		b.at++
	}
	if t.hasAfter {
		b.next.add(v4&0xffff, t.after)
	}
	return nil
}

// end takes over the rest, and puts the block into a plan.
func (b *blockAgain) end(p *plan) error {
	if b.key == nil {
		return nil
	}
	for ; b.at < b.old.len(); b.at++ {
		at, a, err := b.old.host(b.at)
		if err != nil {
			return err
		}
		b.next.add(at&0xffff, *a)
	}
	block := put{key: b.key}
	if !b.next.empty() {
		block.value = seal(b.key, b.next.encode((*before).attrs))
	}
	p.hosts = append(p.hosts, block)
	return nil
}

// netsAgain makes the blocks of other entries that the pieces of a delta change.
func (p *plan) netsAgain(have *bolt.Bucket, pieces []delta) error {
	changes := netSteps{pieces: pieces}
	m := netMerger{peek: changes.peek, take: changes.take,
		put: func(b put) error { p.nets = append(p.nets, b); return nil },
		settle: func(key *netKey, have *attrs, said bool) (after *attrs, differs bool, err error) {
			t := &changes.step
			switch {
			case !said:
				return have, false, nil
			case t.hasBefore != (have != nil) || (have != nil && *have != t.before):
				k, _ := parseKey(key.onDisk())
				return nil, false, corruptf("a delta changes %s, which was not so", k.Subject)
			case !t.hasAfter:
				return nil, true, nil
			}
			return &t.after, true, nil
		}}
	var c *bolt.Cursor
	if have != nil {
		c = have.Cursor()
	}
	changes.take()
	err := m.merge(c)
	return errors.Join(err, changes.err)
}

// netSteps goes through the pieces of a delta of other entries.
type netSteps struct {
	pieces []delta
	at     int // the next item of the first piece
	key    netKey
	step   transition
	steps  []transition // of a piece
	ended  bool
	err    error
}

func (s *netSteps) peek() *netKey {
	if s.ended {
		return nil
	}
	return &s.key
}

func (s *netSteps) take() {
	for len(s.pieces) > 0 && s.at == s.pieces[0].len() {
		s.pieces, s.at = s.pieces[1:], 0
	}
	if s.ended = len(s.pieces) == 0; s.ended {
		return
	}
	if s.at == 0 {
		s.steps, s.err = s.pieces[0].packed().decode(s.steps)
	}
	if s.err == nil {
		var subject listing.Subject
		subject, s.step, s.err = s.pieces[0].item(s.at)
		is := &s.step.after
		if s.step.hasBefore {
			is = &s.step.before
		}
		s.key = netKeyOf(listing.Key{Subject: subject, Reason: is.reason})
	}
	s.at++
	s.ended = s.err != nil
}

// player replays a log from one file into another, some records at a time.
type player struct {
	to      *bolt.DB
	proving bool
	check   *walk // the records are proved as they are read; nil: they have been
	next    listing.Revision
	upTo    listing.Revision // the last to be replayed; 0: all
	records int
}

// Limits of one transaction of a replay.
const (
	replayRecords = 1024
	replayBytes   = 4 << 20
)

// some replays the next records, and reports whether these were all.
func (p *player) some(from *state) (ended bool, err error) {
	err = p.to.Update(func(tx *bolt.Tx) error {
		s, err := newState(tx)
		if err != nil {
			return err
		}
		to := &replay{writing: &writing{state: s}, proving: p.proving}
		c := from.tx.Bucket(logBucket).Cursor()
		k, v := c.Seek(revisionKey(p.next))
		for n, size := 0, 0; k != nil && n < replayRecords && size < replayBytes; n++ {
			revision, _, _ := cutRevision(k)
			if p.upTo != 0 && revision > p.upTo {
				k = nil
				break
			}
			if err := p.one(to, from, revision, v); err != nil {
				return err
			}
			p.next = revision + 1
			size += len(v)
			p.records++
			k, v = c.Next()
		}
		ended = k == nil
		return tx.Bucket(metaBucket).Put(headKey, to.head.encode())
	})
	return ended, err
}

func (p *player) one(to *replay, from *state, revision listing.Revision, value []byte) error {
	if p.check != nil {
		p.check.next = revision
		if err := p.check.one(from, value); err != nil {
			return err
		}
	}
	return to.record(from, value)
}

// scratch opens a new list beside a path that nobody else can open, and that is gone
// when it is closed, or the machine stops.
func scratch(path string) (*bolt.DB, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+replayKind+"*")
	if err != nil {
		return nil, err
	}
	b, _, err := openBolt(f.Name(), Options{NoSync: true}, false)
	err = errors.Join(err, os.Remove(f.Name()), f.Close())
	if err == nil {
		err = initialize(b)
	}
	if err != nil && b != nil {
		err = errors.Join(err, b.Close())
	}
	return b, err
}

// playAll replays what read gives sight of, until there is no more.
func (p *player) playAll(ctx context.Context, read func(func(*state) error) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var ended bool
		if err := read(func(s *state) (err error) {
			ended, err = p.some(s)
			return err
		}); err != nil || ended {
			return err
		}
	}
}
