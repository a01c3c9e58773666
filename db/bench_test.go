package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func addr4(v4 uint32) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], v4)
	return netip.AddrFrom4(a)
}

func listEdit(a netip.Addr) listing.Edit {
	return listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: listing.HostSubject(a), Reason: listing.BareIP}, Keep: true, Origin: listing.ByOperator,
		Life: listing.Lifetime{Base: listing.Life(3 * listing.Day), Longest: listing.Life(90 * listing.Day), Repeat: 2}, Note: "seen by mx1"}
}

func request(id string, edits ...listing.Edit) listing.Request {
	return listing.Request{Header: listing.Header{ID: id, Time: noon, Actor: "alice"}, Edits: edits}
}

func importing(id, name string) listing.Request {
	r := request(id)
	r.Source = &listing.SourceEdit{Name: name, Until: noon.Add(7 * listing.Day)}
	return r
}

// clustered are n addresses, many of them near to each other as on real lists.
func clustered(n int) []uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	seen, all := make(map[uint32]bool, n), make([]uint32, 0, n)
	for len(all) < n {
		base := 1<<24 + r.Uint32N(222<<24)
		for range 1 + r.IntN(64) {
			v := base&^0xff | r.Uint32N(256)
			if r.IntN(4) == 0 {
				v = base&^0xffff | r.Uint32N(1<<16)
			}
			if len(all) < n && !seen[v] {
				seen[v], all = true, append(all, v)
			}
		}
	}
	return all
}

func feed(hosts []uint32) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for _, v4 := range hosts {
			if !yield(listing.Entry{Key: listing.Key{Subject: hostSubject(v4), Reason: listing.Imported}}, nil) {
				return
			}
		}
	}
}

func openSynced(b *testing.B) *DB {
	d, err := Open(filepath.Join(b.TempDir(), "listings.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	return d
}

func mustReplace(b testing.TB, d *DB, r listing.Request, entries iter.Seq2[listing.Entry, error]) listing.Verdict {
	b.Helper()
	v, err := d.Replace(b.Context(), r, entries)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkApply(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			d := openSynced(b)
			var n atomic.Uint32
			b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
			if clients == 1 {
				for b.Loop() {
					applyNext(b, d, n.Add(1))
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					applyNext(b, d, n.Add(1))
				}
			})
		})
	}
}

func applyNext(b *testing.B, d *DB, n uint32) {
	if _, err := d.Apply(context.Background(), request(fmt.Sprint(n), listEdit(addr4(n)))); err != nil {
		b.Error(err)
	}
}

func BenchmarkReplaceFirst(b *testing.B) {
	hosts := clustered(1_000_000)
	for b.Loop() {
		b.StopTimer()
		d := openSynced(b)
		b.StartTimer()
		mustReplace(b, d, importing("first", "feed"), feed(hosts))
	}
}

func BenchmarkReplaceRefresh(b *testing.B) {
	for _, churn := range []int{0, 10_000} {
		b.Run(fmt.Sprint("churn=", churn), func(b *testing.B) {
			d := openSynced(b)
			hosts := clustered(1_000_000)
			extra := clustered(1_100_000)[1_000_000:]
			mustReplace(b, d, importing("first", "feed"), feed(hosts))
			n := 0
			for b.Loop() {
				for range churn {
					n++
					hosts[(n*97)%len(hosts)] = extra[n%len(extra)]
				}
				mustReplace(b, d, importing(fmt.Sprint("refresh", n, b.N, time.Now()), "feed"), feed(hosts))
			}
			b.ReportMetric(float64(n)/float64(b.N), "changed/op")
		})
	}
}

func BenchmarkServed(b *testing.B) {
	b.Run("packed", func(b *testing.B) {
		d := openSynced(b)
		mustReplace(b, d, importing("first", "feed"), feed(clustered(1_000_000)))
		benchServed(b, d, 1_000_000)
	})
	b.Run("own", func(b *testing.B) {
		d := openSynced(b)
		fillOwn(b, d, clustered(1_000_000))
		benchServed(b, d, 1_000_000)
	})
}

func benchServed(b *testing.B, d *DB, want int) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := d.View(b.Context(), func(s listing.Snapshot) error {
			for e, err := range s.Served() {
				if err != nil || e.Reason == 0 {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil || n != want {
			b.Fatal(n, err)
		}
	}
}

// fillOwn writes own entries without a request, which would take its time.
func fillOwn(b *testing.B, d *DB, hosts []uint32) {
	hosts = slices.Sorted(slices.Values(hosts)) // bbolt takes long over a bucket that fills out of order
	err := d.bolt.Update(func(tx *bolt.Tx) error {
		for _, v4 := range hosts {
			e := listing.Entry{Key: listing.Key{Subject: hostSubject(v4), Reason: listing.BareIP}, Since: noon, Until: noon.Add(listing.Day),
				Level: 1, Origin: listing.ByOperator, Actor: "alice", Revision: 1}
			if err := tx.Bucket(servedBucket).Put(entryKey(e.Key), seal(entryKey(e.Key), encodeServed(&e))); err != nil {
				return err
			}
			if err := tx.Bucket(entriesBucket).Put(entryKey(e.Key), encodeEntry(nil, &e)); err != nil {
				return err
			}
		}
		h, err := readHead(tx)
		if err != nil {
			return err
		}
		h.entries += len(hosts)
		return tx.Bucket(metaBucket).Put(headKey, h.encode())
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEach(b *testing.B) {
	d := openSynced(b)
	hosts := clustered(600_000)
	fillOwn(b, d, hosts[:300_000])
	mustReplace(b, d, importing("first", "feed"), feed(hosts[300_000:]))
	for b.Loop() {
		n := 0
		err := d.View(b.Context(), func(s listing.Snapshot) error {
			for _, err := range s.Each(listing.Subject{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil || n != 600_000 {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkChanges(b *testing.B) {
	d := openSynced(b)
	mustReplace(b, d, importing("first", "feed"), feed(clustered(1_000_000)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for c, err := range d.Changes(b.Context(), 0) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; c.Last {
				break
			}
		}
		if n != 1_000_001 {
			b.Fatal(n)
		}
	}
}

// A year of a feed of which ten thousand hosts change every hour, asked about
// one address. Only the deltas of that address' /8 are there: no others are
// looked at.
func BenchmarkHistory(b *testing.B) {
	const hours, changed = 365 * 24, 90
	d := openTest(b, filepath.Join(b.TempDir(), "listings.db"))
	defer d.Close()
	mustReplace(b, d, importing("first", "feed"), feed([]uint32{192<<24 | 2<<8 | 7}))
	err := d.bolt.Update(func(tx *bolt.Tx) error {
		deltas, r := tx.Bucket(deltasBucket).Bucket([]byte("feed")), rand.New(rand.NewPCG(1, 2))
		for hour := range uint64(hours) {
			var log deltaBuilder
			at := uint32(192 << 24)
			for n := range changed {
				at += 1 + r.Uint32N(1<<24/changed)
				a := &attrs{since: noon.Unix() - r.Int64N(1<<20)*3600, reason: listing.Imported}
				var sides [2]*attrs // before and after
				sides[n%2] = a
				_ = log.host(at, sides[0], sides[1]) // fails where it keeps chunks elsewhere
			}
			all, _ := log.finish() // the same
			if err := deltas.Put(all[0].key(listing.Revision(hour+2)), all[0].raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	asked := hostSubject(192<<24 | 2<<8 | 7)
	for b.Loop() {
		n := 0
		err := d.View(b.Context(), func(s listing.Snapshot) error {
			for _, err := range s.History(asked) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil || n != 1 {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	const records = 200_000
	d := openTest(b, filepath.Join(b.TempDir(), "listings.db"))
	defer d.Close()
	for from := uint32(0); from < records; from += mostJobs {
		var batch []*job
		for n := from; n < min(from+mostJobs, records); n++ {
			r := request(fmt.Sprintf("%08d", n), listEdit(addr4(n)))
			raw, err := canonical(&r)
			if err != nil {
				b.Fatal(err)
			}
			batch = append(batch, &job{ctx: b.Context(), request: &r, raw: raw})
		}
		if err := d.commitAll(batch); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if v, err := d.Verify(b.Context()); err != nil || v.Records != records {
			b.Fatal(v, err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkCompact compacts a list of a million entries while others write, and says
// for how long a write was held up at the most.
func BenchmarkCompact(b *testing.B) {
	d := openSynced(b)
	defer d.Close()
	mustReplace(b, d, importing("feed", "feed"), feed(clustered(1_000_000)))
	for n := range uint32(1000) {
		var edits []listing.Edit
		for k := range uint32(100) {
			edits = append(edits, listEdit(addr4(10<<24|n<<8|k)))
		}
		mustApply(b, d, fmt.Sprint("own", n), edits...)
	}
	var longest, writes atomic.Int64
	ctx, stop := context.WithCancel(b.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := uint32(0); ctx.Err() == nil; n++ {
			began := time.Now()
			mustApply(b, d, fmt.Sprint("beside", n), listEdit(addr4(11<<24|n)))
			longest.Store(max(longest.Load(), int64(time.Since(began))))
			writes.Add(1)
		}
	})
	time.Sleep(3 * time.Second) // the same without a compaction
	before := longest.Swap(0)
	for b.Loop() {
		c, err := d.Compact(b.Context(), time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(c.Held.Milliseconds()), "held-ms")
		b.ReportMetric(float64(c.After)/(1<<20), "MiB")
	}
	stop()
	writer.Wait()
	b.ReportMetric(float64(before)/1e6, "longest-write-before-ms")
	b.ReportMetric(float64(longest.Load())/1e6, "longest-write-ms")
	b.ReportMetric(float64(writes.Load()), "writes")
}

// BenchmarkGrowth says what a year of an hourly feed of 200,000 costs of which 1 %
// changes, from a week of it.
func BenchmarkGrowth(b *testing.B) {
	all := clustered(600_000)
	for b.Loop() {
		d := openTest(b, filepath.Join(b.TempDir(), "listings.db"))
		var sizes [2]int64
		for hour := range 7 * 24 {
			r := importing(fmt.Sprint("hour", hour), "feed")
			r.Time = noon.Add(time.Duration(hour) * time.Hour)
			r.Source.Until = r.Time.Add(listing.Day)
			mustReplace(b, d, r, feed(all[2000*hour:2000*hour+200_000]))
			if hour == 0 || hour == 7*24-1 {
				c, err := d.Compact(b.Context(), time.Time{})
				if err != nil {
					b.Fatal(err)
				}
				sizes[min(hour, 1)] = c.After
			}
		}
		c, err := d.Compact(b.Context(), noon.Add(6*listing.Day))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(sizes[1]-sizes[0])*365/7/(1<<20), "MiB/year")
		b.ReportMetric(float64(sizes[0])/(1<<20), "MiB-one-import")
		b.ReportMetric(float64(c.After)/(1<<20), "MiB-one-day-kept")
		if _, err := d.VerifyFull(b.Context(), listing.Checkpoint{}); err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
