package sighting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"

	bolt "go.etcd.io/bbolt"
)

var _ Writer = (*listing.Book)(nil)

// epoch is when tests begin: the middle of a UTC clock hour.
var epoch = time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)

// file is an archive in a bbolt file.
type file struct {
	*bolt.DB
	fail  error // of the next writes
	torn  error // of the next reads
	saves int
	most  int // saves, if it is not 0; then the disk is full
}

var errFull = errors.New("disk full")

var bucket = []byte("sightings")

func openFile(t testing.TB, path string) *file {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return &file{DB: db}
}

// reuse gives a desk the same file, emptied: properties are tried often.
func reuse(t testing.TB) func(*Options) {
	f := openFile(t, filepath.Join(t.TempDir(), "sightings.db"))
	return func(o *Options) {
		err := f.Update(func(tx *bolt.Tx) error {
			if err := tx.DeleteBucket(bucket); err != nil {
				return err
			}
			_, err := tx.CreateBucket(bucket)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		f.saves, o.Archive = 0, f
	}
}

func (f *file) Scan(prefix, after []byte) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if f.torn != nil {
			yield(Item{}, f.torn)
			return
		}
		stop := errors.New("stop")
		err := f.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			from := prefix
			if bytes.Compare(after, from) > 0 {
				from = after
			}
			for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
				if after != nil && bytes.Compare(k, after) <= 0 {
					continue
				}
				if !yield(Item{k, v}, nil) {
					return stop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(Item{}, err)
		}
	}
}

func (f *file) Save(items []Item) error {
	if f.fail != nil {
		return f.fail
	}
	if f.most > 0 && f.saves >= f.most {
		return errFull
	}
	f.saves++
	return f.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, i := range items {
			if i.Value == nil {
				if err := b.Delete(i.Key); err != nil {
					return err
				}
			} else if err := b.Put(i.Key, i.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// book is a list in memory. What an edit does is decided by listing.Decide.
type book struct {
	listing.State // nil: what edits of addresses do not ask for
	entries       map[listing.Key]listing.Entry
	pasts         map[listing.Key]listing.Past
	head          listing.Revision
	changes       []listing.Change
	now           func() time.Time
	told          func(listing.Change)
	refuse        error
	calls         int
}

func (b *book) Head() listing.Revision { return b.head }
func (b *book) Config() string         { return "" }
func (b *book) At(s listing.Subject) (at []listing.Entry, err error) {
	for k, e := range b.entries {
		if k.Subject == s {
			at = append(at, e)
		}
	}
	return at, nil
}
func (b *book) Past(k listing.Key) (listing.Past, error) { return b.pasts[k], nil }
func (b *book) Allow(listing.Subject) (listing.Allow, bool, error) {
	return listing.Allow{}, false, nil
}
func (b *book) Source(string) (listing.Source, bool, error) { return listing.Source{}, false, nil }

func (b *book) Do(_ context.Context, who listing.Caller, note string, edits []listing.Edit) (listing.Result, error) {
	b.calls++
	if b.refuse != nil {
		return listing.Result{}, b.refuse
	}
	r := listing.Request{Header: listing.Header{ID: fmt.Sprint(b.calls), Time: b.now(), Actor: who.Name, Note: note}, Edits: edits}
	v, err := listing.Decide(b, r)
	if err != nil {
		return listing.Result{}, err
	}
	b.head = v.Revision
	for _, c := range v.Changes {
		b.changes = append(b.changes, c)
		if past, ok := c.PastAfter(); ok {
			b.pasts[c.Before.Key] = past
		}
		if c.After != nil {
			b.entries[c.After.Key] = *c.After
		} else if c.Before != nil {
			delete(b.entries, c.Before.Key)
		}
		if b.told != nil {
			b.told(c)
		}
	}
	return listing.Result{Verdict: v}, nil
}

// desk is an engine with a clock, an archive and a list.
type desk struct {
	testing.TB
	*Engine
	now   time.Time
	book  *book
	file  *file
	rules listing.Rules
	opts  Options
	seq   int
}

// newDesk opens a desk to which two receivers have reported, unless sole.
func newDesk(t testing.TB, change ...func(*Options)) *desk {
	t.Helper()
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{TB: t, now: epoch, rules: listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}}
	d.book = &book{entries: map[listing.Key]listing.Entry{}, pasts: map[listing.Key]listing.Past{}, now: d.clock}
	d.opts = Options{Now: d.clock, Rules: func() listing.Rules { return d.rules }, Thresholds: DefaultThresholds()}
	for _, c := range change {
		c(&d.opts)
	}
	if d.opts.Archive == nil {
		d.opts.Archive = openFile(t, filepath.Join(t.TempDir(), "sightings.db"))
	}
	d.file, _ = d.opts.Archive.(*file)
	d.start()
	return d
}

func (d *desk) clock() time.Time { return d.now }

// start makes the engine, as after a restart.
func (d *desk) start() {
	d.Helper()
	e, err := New(d.opts)
	if err != nil {
		d.Fatal(err)
	}
	d.Engine, d.book.told = e, e.Changed
	for _, entry := range d.book.entries {
		e.Changed(listing.Change{Kind: listing.EntryChange, After: &entry})
	}
}

// receivers has clean sessions of another address reported by each.
func (d *desk) reports(names ...string) *desk {
	for _, n := range names {
		d.see("198.51.100.250", clean, at(-time.Minute), by(n))
	}
	return d
}

// kind is what a session said.
type kind struct {
	code     helo.Code
	strength helo.Strength
	flags    helo.Flags
	name     string
}

var (
	clean      = kind{helo.CodeOK, helo.StrengthOK, 0, "mail.sender.example"}
	unverified = kind{helo.CodeOK, helo.StrengthOK, helo.FlagDNSUnverified, "mail.sender.example"}
	bare       = kind{helo.CodeBareIP, helo.Medium, helo.FlagOther, "203.0.113.9"}
	ourIP      = kind{helo.CodeOurIP, helo.Strong, 0, "198.51.100.10"}
	ourName    = kind{helo.CodeOurName, helo.Strong, 0, "mx.ours.example"}
	rcpt       = kind{helo.CodeRcptDomain, helo.Medium, 0, "one.example"}
	forged     = kind{helo.CodeForgedLiteral, helo.Medium, 0, "203.0.113.77"}
	mismatch   = kind{helo.CodeIPMismatch, helo.Note, 0, "host.elsewhere.example"}
	private    = kind{helo.CodePrivateLiteral, helo.Note, 0, "10.0.0.1"}
	exempt     = kind{helo.CodeExemptAuth, helo.Exempt, 0, ""}
	local      = kind{helo.CodeLocalhost, helo.Weak, 0, "localhost"}
)

type detail func(*Observation)

func at(d time.Duration) detail { return func(o *Observation) { o.Time = o.Time.Add(d) } }
func by(receiver string) detail { return func(o *Observation) { o.Receiver = receiver } }
func saying(name string) detail { return func(o *Observation) { o.HELO, o.Verdict.Name = name, name } }
func called(id string) detail   { return func(o *Observation) { o.ID = id } }
func (d *desk) fill(k kind) Observation {
	d.seq++
	return Observation{Time: d.now, Receiver: "mx1", ID: fmt.Sprintf("s%d", d.seq), HELO: k.name,
		Verdict: helo.Verdict{Code: k.code, Strength: k.strength, Flags: k.flags, Name: k.name}}
}

// see has an address seen once.
func (d *desk) see(addr string, k kind, more ...detail) Outcome {
	d.Helper()
	o := d.fill(k)
	o.Client = netip.MustParseAddr(addr)
	for _, m := range more {
		m(&o)
	}
	out, err := d.Observe(o)
	if err != nil {
		d.Fatal(err)
	}
	return out
}

// sees has it seen n times, a second apart, the last at the given time.
func (d *desk) sees(n int, addr string, k kind, more ...detail) {
	d.Helper()
	for i := range n {
		d.see(addr, k, append(slices.Clone(more), at(-time.Duration(n-1-i)*time.Second))...)
	}
}

// settle does what is due, and gives what is listed.
func (d *desk) settle() []string {
	d.Helper()
	if _, err := d.Send(d.Context(), d.book); err != nil {
		d.Fatal(err)
	}
	return d.listed()
}

func (d *desk) listed() []string {
	var all []string
	for _, k := range slices.SortedFunc(maps.Keys(d.book.entries), func(a, b listing.Key) int {
		if c := a.Subject.Compare(b.Subject); c != 0 {
			return c
		}
		return int(a.Reason) - int(b.Reason)
	}) {
		if e := d.book.entries[k]; e.Active(d.now) && !e.Except {
			all = append(all, k.Subject.Text()+" "+d.rules.Reasons.Symbol(k.Reason))
		}
	}
	return all
}

func (d *desk) entry(addr string, r listing.Reason) listing.Entry {
	return d.book.entries[key(addr, r)]
}

func key(subject string, r listing.Reason) listing.Key {
	s, err := listing.ParseSubject(subject)
	if err != nil {
		panic(err)
	}
	return listing.Key{Subject: s, Reason: r}
}

// do makes an edit of an operator's.
func (d *desk) do(e listing.Edit) {
	d.Helper()
	if _, err := d.book.Do(d.Context(), daemon("operator"), "", []listing.Edit{e}); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) want(listed ...string) {
	d.Helper()
	if got := d.settle(); !slices.Equal(got, listed) {
		d.Errorf("listed %q, want %q", got, listed)
	}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
