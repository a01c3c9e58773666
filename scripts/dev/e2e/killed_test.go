//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
)

var rounds = flag.Int("rounds", 6, "how often TestKilled kills dnsbld; the long campaign takes 200")

// Writers of all kinds change the list until dnsbld is killed. After each start:
//
//   - what was acknowledged holds, what was refused does not, and what got no
//     answer holds whole or not at all;
//   - DNS answers what the list exports, for every name of the campaign;
//   - serials have only risen, and the audit chain holds;
//   - a command sent again under its key is done, and done once.
func TestKilled(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t)}
	seed := rand.Uint64()
	t.Logf("%d rounds, seed %d", *rounds, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	writers := newWriters(random)
	for round := range *rounds {
		d.start(t)
		client := ctl.NewClient(d.socket())
		if round > 0 {
			checkList(t, d, client, writers)
		}
		var all sync.WaitGroup
		for _, w := range writers {
			all.Go(func() { w.write(t, client) })
		}
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
		if round == *rounds-1 { // a machine without time acknowledges nothing until then
			await(t, "a command for each round", func() bool { return acknowledged(writers) >= *rounds })
		}
		d.kill(t)
		all.Wait()
	}
	d.start(t)
	checkList(t, d, ctl.NewClient(d.socket()), writers)
	t.Logf("%d rounds: %d commands acknowledged, %d without an answer, of which %d were done", *rounds, acknowledged(writers), unknown(writers), resolved(writers))
}

// checkList holds the list after a start to what the writers know of it.
func checkList(t *testing.T, d *daemon, client *ctl.Client, writers []*writer) {
	t.Helper()
	exported := exportedHosts(t, client)
	for _, w := range writers {
		w.settle(t, client, exported)
	}
	exported = exportedHosts(t, client) // settling has sent commands again
	for _, w := range writers {
		for _, host := range w.pool {
			if d.listed(t, host) != exported[host] {
				t.Errorf("%s: exported %t, and DNS says otherwise", host, exported[host])
			}
		}
	}
	if seen, serial := d.seen.Load(), d.serial(t); serial < seen {
		t.Errorf("serial %d after %d", serial, seen)
	}
	if v, err := client.Audit(t.Context(), ctl.Audit{Full: true}); err != nil || v.Broken != 0 {
		t.Errorf("audit: %+v, %v", v, err)
	}
}

func exportedHosts(t *testing.T, client *ctl.Client) map[string]bool {
	t.Helper()
	var file strings.Builder
	if _, err := client.Export(t.Context(), ctl.Export{Format: "plain"}, &file); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]bool{}
	for line := range strings.Lines(file.String()) {
		if fields := strings.Fields(line); len(fields) > 0 {
			hosts[strings.TrimSuffix(fields[0], "/32")] = true
		}
	}
	return hosts
}

// A writer changes hosts that no other one changes, so that it knows how they
// stand.
type writer struct {
	random *rand.Rand
	pool   []string
	listed map[string]bool // as far as answers tell

	planned                       // the last command
	done     func() (bool, error) // sends the one again that was acknowledged last
	position func() int           // how far the disk has come; nil: nobody asks
	start    map[string]bool      // listed, at that
	first    int                  // number of the last command before
	past     []planned            // commands that were acknowledged since

	mayFail func(error) bool // errors that are no answer; nil: those of what is not there

	acknowledged      atomic.Int64
	unanswered, found int
}

// planned is a command.
type planned struct {
	number  int                  // its key
	send    func() (bool, error) // sends it again; nil: it was answered
	change  map[string]bool      // what it makes of its hosts
	refused bool                 // since it expects a revision that is not there

	began, ended int // how far the disk had come before it was sent, and when it was answered
}

// newWriters are six that change single hosts, one that changes twenty at once,
// and one that replaces a source of 2,000.
func newWriters(random *rand.Rand) []*writer {
	var all []*writer
	for n, size := range []int{40, 40, 40, 40, 40, 40, 20, 2000} {
		w := &writer{random: rand.New(rand.NewPCG(random.Uint64(), 2)), listed: map[string]bool{}}
		for host := range size {
			w.pool = append(w.pool, netip.AddrFrom4([4]byte{20, byte(n), byte(host / 250), byte(host%250 + 1)}).String()) // no policy refuses them
		}
		all = append(all, w)
	}
	return all
}

// write sends commands until one gets no answer.
func (w *writer) write(t *testing.T, client *ctl.Client) {
	for {
		w.number++
		w.plan(t, client)
		before := w.number
		w.began = w.now()
		repeated, err := w.send()
		switch {
		case errors.Is(err, listing.ErrUnavailable), err != nil && w.mayFail != nil && w.mayFail(err):
			w.unanswered++
			return
		case w.refused:
			if !errors.Is(err, listing.ErrConflict) {
				t.Errorf("command %d: it expects another revision, and is not refused: %v", before, err)
			}
			w.send = nil
			continue
		case err != nil:
			t.Errorf("command %d: %v", before, err)
			return
		case repeated:
			t.Errorf("command %d is new, and was done before", before)
		}
		w.acknowledged.Add(1)
		w.apply()
	}
}

// apply notes that the last command was done.
func (w *writer) apply() {
	for host, listed := range w.change {
		w.listed[host] = listed
	}
	w.done = w.send
	if w.ended = w.now(); w.position != nil {
		w.past = append(w.past, w.planned)
	}
	w.send = nil
}

func (w *writer) now() int {
	if w.position == nil {
		return 0
	}
	return w.position()
}

// begin notes how things stand, for asOf.
func (w *writer) begin(position func() int) {
	w.position, w.start, w.first, w.past = position, maps.Clone(w.listed), w.number, nil
}

// asOf is the writer as it was when the disk had come to a position: what was
// acknowledged by then holds, and what was sent by then may.
func (w *writer) asOf(at int) *writer {
	then := &writer{random: w.random, pool: w.pool, listed: maps.Clone(w.start), planned: planned{number: w.first}}
	for _, c := range w.past {
		if c.began <= at {
			then.planned = c
		}
		if c.ended > at {
			return then
		}
		then.apply()
	}
	if w.send != nil && w.began <= at {
		then.planned = w.planned
	}
	return then
}

// plan thinks of a command.
func (w *writer) plan(t *testing.T, client *ctl.Client) {
	key := listing.Options{IdempotencyKey: fmt.Sprintf("%s-%d", w.pool[0], w.number), MaxChanges: 1 << 20}
	w.change = map[string]bool{}
	ctx := t.Context()
	switch {
	case len(w.pool) > 1000:
		var file strings.Builder
		for _, host := range w.pool {
			w.change[host] = w.random.IntN(4) > 0
			if w.change[host] {
				fmt.Fprintln(&file, host)
			}
		}
		c := ctl.Import{Import: listing.Import{Source: "campaign", Replace: true, Options: key}, Reason: "imported"}
		w.send = func() (bool, error) {
			out, err := client.Import(ctx, c, strings.NewReader(file.String()))
			return out.Repeated, err
		}
	default:
		some := w.pool
		if len(w.pool) > 20 {
			some = w.pool[w.random.IntN(len(w.pool)):][:1]
		}
		listed := !w.listed[some[0]]
		var subjects []listing.Subject
		for _, host := range some {
			w.change[host] = listed
			s, err := listing.ParseSubject(host)
			if err != nil {
				t.Error(err)
			}
			subjects = append(subjects, s)
		}
		if w.refused = w.random.IntN(8) == 0; w.refused {
			wrong := listing.Revision(1 << 40)
			listed, w.change, key.IfRevision = true, nil, &wrong
		}
		if listed {
			w.send = func() (bool, error) {
				out, err := client.Add(ctx, listing.Add{Subject: subjects[0], More: subjects[1:], Reason: "helo-bare-ip", Options: key})
				return out.Repeated, err
			}
			return
		}
		w.send = func() (bool, error) {
			out, err := client.Delist(ctx, listing.Delist{Subject: subjects[0], More: subjects[1:], Because: "test", Options: key})
			return out.Repeated, err
		}
	}
}

// settle compares what the writer knows with an export. A command that got no
// answer was done whole or not at all; sent again it is done, once.
func (w *writer) settle(t *testing.T, client *ctl.Client, exported map[string]bool) {
	t.Helper()
	if w.done != nil {
		if repeated, err := w.done(); err != nil || !repeated {
			t.Errorf("the last command of %s that was acknowledged, sent again: done before %t, %v", w.pool[0], repeated, err)
		}
	}
	if w.send != nil {
		w.sendAgain(t, exported)
	}
	for _, host := range w.pool {
		if exported[host] != w.listed[host] {
			t.Errorf("%s is exported: %t; acknowledged: %t", host, exported[host], w.listed[host])
		}
	}
}

// sendAgain sends the command that got no answer.
func (w *writer) sendAgain(t *testing.T, exported map[string]bool) {
	t.Helper()
	done := w.holds(exported, w.change)
	if !done && !w.holds(exported, w.listed) {
		t.Errorf("command %d of %s is done in part", w.number, w.pool[0])
	}
	repeated, err := w.send()
	if err != nil && !w.refused {
		t.Errorf("command %d sent again: %v", w.number, err)
	}
	if repeated {
		w.found++
	}
	if done && !repeated && !w.holds(w.listed, w.change) {
		t.Errorf("command %d of %s was done, and is done again", w.number, w.pool[0])
	}
	maps.Copy(exported, w.change)
	if w.refused {
		w.send = nil
	} else {
		w.apply()
	}
}

// holds reports whether the writer's hosts stand as they do in want, where want
// says so, and else as the writer knows.
func (w *writer) holds(exported, want map[string]bool) bool {
	for _, host := range w.pool {
		listed, said := want[host]
		if !said {
			listed = w.listed[host]
		}
		if exported[host] != listed {
			return false
		}
	}
	return true
}

func acknowledged(all []*writer) (n int) {
	for _, w := range all {
		n += int(w.acknowledged.Load())
	}
	return n
}

func unknown(all []*writer) (n int) {
	for _, w := range all {
		n += w.unanswered
	}
	return n
}

func resolved(all []*writer) (n int) {
	for _, w := range all {
		n += w.found
	}
	return n
}

// The folder that its files lie in outlives the daemon.
func (d *daemon) socket() string { return filepath.Join(d.dir, "c.sock") }
