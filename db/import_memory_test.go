package db

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// bbolt holds in memory what a transaction writes until it is committed. Of an import of
// hosts that lie as fifty million do in all of IPv4 that is four octets each, with what
// its pages leave free.
func TestImportWritesLittle(t *testing.T) {
	const hosts, apart, most = 200_000, 74, 4
	r := rand.New(rand.NewPCG(1, 2))
	all, v4 := make([]uint32, hosts), uint32(11<<24)
	for n := range all {
		v4 += 1 + r.Uint32N(2*apart-1)
		all[n] = v4
	}
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	before := d.bolt.Stats()
	mustReplace(t, d, importing("hosts", "hosts"), feed(all))
	after := d.bolt.Stats()
	if wrote := after.TxStats.GetPageAlloc() - before.TxStats.GetPageAlloc(); wrote > most*hosts {
		t.Errorf("%d octets of pages for %d hosts, want %d each at the most", wrote, hosts, most)
	}
}
