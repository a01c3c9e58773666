//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dnsbld/ctl"
	"dnsbld/listing"
)

var images = flag.Int("images", 20, "how many disks TestPowerLoss makes; the long campaign takes 300")

// imagesOfARun is how many times the power is cut in one run of dnsbld, afterwards.
const imagesOfARun = 10

const powerConfig = `[listen]
web = ""
[[zone]]
name = "bl.test"
ns = ["ns.bl.test 192.0.2.53"]
[our]
addresses = []
[sensor]
receiver = "mx1"
policy = %q
probation = "0"
`

// powered is dnsbld on a disk that loses power, and who uses it.
type powered struct {
	*daemon
	disk    *faultDisk
	random  *rand.Rand
	writers []*writer
	asking  *asking
	counted *counted

	ending    atomic.Bool
	used      []*writer // as they were when the disk was kept
	from      int       // the run that is cut began there
	serials   []serialSeen
	lastKey   string // of the desk, and when it was there
	keyAt     int
	cuts      int
	again     int
	processed int // commands that were acknowledged
}

// serialSeen is a serial that DNS answered when the disk had come to a position.
type serialSeen struct {
	serial uint32
	at     int
}

// Writers of all kinds change the list, people ask for removals and are erased,
// sessions are counted and the list is compacted, on a disk of which the power is cut
// at any number of points afterwards. On each disk that this leaves dnsbld starts, and
// all that TestKilled asks for holds. Moreover:
//
//   - whoever asked is kept, and whoever was erased is not;
//   - sessions that were taken are counted, once;
//   - nothing is set aside as damaged, and the desk has the key that it had.
//
// Some of the starts are themselves cut short by another loss of power.
//
//	writers ── dnsbld ── faultfs: what was synced, and what was not
func TestPowerLoss(t *testing.T) {
	p := newPowered(t)
	for p.start(t); p.cuts < *images; {
		p.use(t)
		for range min(imagesOfARun, *images-p.cuts) {
			p.cut(t)
		}
		t.Logf("%d disks, %d of them cut again while dnsbld started; %d commands acknowledged", p.cuts, p.again, p.processed)
	}
	p.kill(t)
	if p.processed < *images {
		t.Errorf("%d commands were acknowledged: the campaign shows nothing", p.processed)
	}
	t.Logf("%d requests of people; in the last run %d sessions", p.asking.number, p.counted.number)
}

func newPowered(t *testing.T) *powered {
	t.Helper()
	d := &daemon{bin: programs(t), dir: workDir(t)}
	file := filepath.Join(d.dir, "dnsbld.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, powerConfig, "unix:"+filepath.Join(d.dir, "policy")), 0o600); err != nil {
		t.Fatal(err)
	}
	d.flags = []string{"--config", file, "--data", "disk/data"}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	p := &powered{daemon: d, disk: newFaultDisk(t, d.bin, d.dir), random: random, writers: newWriters(random),
		counted: &counted{}, asking: &asking{random: rand.New(rand.NewPCG(seed, 4))}}
	return p
}

// use has everybody use dnsbld for a while, ends it, and keeps the disk as it was.
func (p *powered) use(t *testing.T) {
	t.Helper()
	client := ctl.NewClient(p.socket())
	p.from = p.disk.position()
	if p.cuts == 0 {
		p.from = 0 // the first start is cut too
	}
	p.used, p.serials = p.writers, nil
	var all sync.WaitGroup
	end := make(chan struct{})
	p.ending.Store(false)
	for _, w := range p.used {
		w.begin(p.disk.position)
		w.mayFail = p.ends
		all.Go(func() { w.write(t, client) })
	}
	all.Go(func() { p.asking.use(t, client, p.disk.position, p.ends) })
	all.Go(func() { p.counted.use(t, client, p.disk.position, p.ends) })
	all.Go(func() { p.compact(t, client) })
	all.Go(func() { p.watch(end) })
	p.lastKey, p.keyAt = p.deskKey(t), p.disk.position()
	enough := p.disk.position() + 1000 + p.random.IntN(3000)
	await(t, fmt.Sprintf("%d operations of the disk", enough), func() bool { return p.disk.position() >= enough })
	p.ending.Store(true)
	if p.random.IntN(2) == 0 {
		p.kill(t)
	} else {
		p.stop(t, syscall.SIGTERM)
	}
	close(end)
	all.Wait()
	for _, w := range p.used {
		p.processed += len(w.past)
	}
	p.disk.do(diskCommand{Do: "keep"})
}

// watch notes which serials DNS answers.
func (p *powered) watch(end <-chan struct{}) {
	for {
		select {
		case <-end:
			return
		case <-time.After(5 * time.Millisecond):
			if soa, err := p.askOnce("bl.test.", dns.TypeSOA); err == nil && len(soa.Answer) == 1 {
				p.serials = append(p.serials, serialSeen{soa.Answer[0].(*dns.SOA).Serial, p.disk.position()})
			}
		}
	}
}

// ends reports whether an error may come of the end of dnsbld.
func (p *powered) ends(err error) bool {
	return p.ending.Load() || errors.Is(err, listing.ErrUnavailable)
}

// compact compacts the list again and again until dnsbld ends.
func (p *powered) compact(t *testing.T, client *ctl.Client) {
	for {
		if _, err := client.Compact(t.Context(), ctl.None{}); err != nil {
			if !p.ends(err) {
				t.Errorf("compacting: %v", err)
			}
			return
		}
		select {
		case <-t.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// cut cuts the power at some point of the last run, and checks what dnsbld makes of
// the disk that is left.
func (p *powered) cut(t *testing.T) {
	t.Helper()
	if p.cuts%imagesOfARun > 0 {
		p.kill(t)
	}
	p.cuts++
	seed := p.random.Uint64()
	cut := p.disk.do(diskCommand{Do: "cut", Seed: seed, From: p.from})
	where := cut.Why
	p.seen.Store(0)
	if p.random.IntN(3) == 0 {
		p.start(t)
		p.kill(t)
		where += "; then " + p.disk.do(diskCommand{Do: "again", Seed: seed}).Why
		p.again++
	}
	p.writers = nil
	for _, w := range p.used {
		p.writers = append(p.writers, w.asOf(cut.At))
	}
	p.seen.Store(0)
	for _, s := range p.serials {
		if s.at <= cut.At {
			p.seen.Store(max(p.seen.Load(), s.serial))
		}
	}
	p.start(t)
	client := ctl.NewClient(p.socket())
	checkList(t, p.daemon, client, p.writers)
	p.asking.settle(t, client, cut.At)
	p.counted.settle(t, client, cut.At)
	p.checkFiles(t, client, cut.At)
	if t.Failed() {
		t.Fatalf("disk %d: %s\n%s", p.cuts, where, p.said())
	}
}

// checkFiles looks whether all files are in use.
func (p *powered) checkFiles(t *testing.T, client *ctl.Client, at int) {
	t.Helper()
	st, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for part, is := range st.Parts {
		if is != "ok" && !strings.HasSuffix(is, " is not set") {
			t.Errorf("%s is %s", part, is)
		}
	}
	files, err := os.ReadDir(filepath.Join(p.dir, "disk", "data"))
	if err != nil {
		t.Fatal(err)
	}
	// The file that files.Replace writes may be there for a moment: .served.new, for one.
	temporary := regexp.MustCompile(`\.damaged$|\.compact|\.part$|\.db\.new$|\.(import|replay|answer)-`)
	for _, f := range files {
		if temporary.MatchString(f.Name()) {
			t.Errorf("there is %s", f.Name())
		}
	}
	if key := p.deskKey(t); at >= p.keyAt && key != p.lastKey {
		t.Error("the desk has another key")
	}
}

func (p *powered) deskKey(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, "disk", "data", "desk.key"))
	if err != nil {
		t.Error(err)
	}
	return string(raw)
}
