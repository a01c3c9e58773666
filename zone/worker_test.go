package zone

import (
	"runtime"
	"testing"
	"weak"

	"dnsbld/listing/index"
)

// Between batches a worker keeps nothing of the list or the configuration that
// it answered from: either may be replaced before the next query comes.
func TestWorkerLetsGo(t *testing.T) {
	b := newServer(t, config(t), wireList)
	w := b.server.newWorker()
	var queries [][]byte
	for range batchSize / 4 {
		for _, name := range []string{"7.2.0.192.bl.test.", "8.2.0.192.strict.bl.test.", "bl.test.", "1.100.51.198.bl.test."} {
			queries = append(queries, pack(t, query(name, "A")))
		}
	}
	if got := b.askBoth(t, w, queries, wirePeers[0]); got != batchSize*3/4 {
		t.Fatalf("%d on the wire path", got)
	}
	set, zone := weak.Make(b.live.Set()), weak.Make(b.server.tables.Load().ordered[0])
	b.publish("")
	if err := b.server.Configure(config(t)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if w.spots != ([batchSize]index.Spot{}) || set.Value() != nil {
		t.Error("the worker keeps the list")
	}
	if zone.Value() != nil {
		t.Error("the worker keeps the configuration")
	}
	runtime.KeepAlive(w)
}
