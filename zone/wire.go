package zone

import (
	"net/netip"

	"dnsbld/listing/index"
)

// batchSize is how many datagrams one system call moves. More showed nothing.
const batchSize = 32

// datagram is a query and where it came from; then its answer, in its place.
type datagram struct {
	data []byte // nil: there is no answer
	from netip.AddrPort
}

// worker answers what comes over one socket: on the wire path what that path
// knows, all else on the message path. Its memory is its own, and enough.
type worker struct {
	server *Server
	count  *counters
	tally  tally // since the last batch

	request request
	scratch scratch
	known   [batchSize]bool // on the wire path
	queries [batchSize]wireQuery
	addrs   [batchSize]netip.Addr
	spots   [batchSize]index.Spot
	large   []byte
}

// newWorker makes a worker. Its counts stay when it has gone.
func (s *Server) newWorker() *worker {
	own := new(workerCounters)
	s.workers.add(own)
	w := &worker{server: s, count: &own.counters}
	w.scratch.asked = s.hits.Sampler()
	return w
}

// answer answers a batch of up to batchSize. One Set and one configuration
// serve all of it. The worker lets them go with it, so that no old Set stays in
// memory while it waits for the next batch.
func (w *worker) answer(batch []datagram) {
	t, set, now := w.server.tables.Load(), w.server.view.Set(), w.server.clock.Now()
	if w.scratch.asked != nil {
		w.scratch.asked.Tick(now)
	}
	w.read(batch, t, set, now)
	for n := range batch {
		d := &batch[n]
		if w.known[n] {
			if message, k, truncated, ok := w.queries[n].answer(d.data, set, now, &w.scratch); ok {
				d.data = message
				w.tally[k]++
				w.tally[countWire]++
				if truncated {
					w.tally[countTruncated]++
				}
				continue
			}
		}
		w.message(d)
	}
	clear(w.spots[:len(batch)])
	clear(w.queries[:len(batch)])
	w.count.add(&w.tally)
	w.tally = tally{}
}

// read takes all queries apart, then locates all their addresses in the list
// at once.
func (w *worker) read(batch []datagram, t *tables, set *index.Set, now uint32) {
	addrs := w.addrs[:0]
	for n := range batch {
		d := &batch[n]
		q := &w.queries[n]
		w.known[n] = set != nil && len(d.data) >= headerSize && d.data[2]&flagQR == 0 && d.from.Port() != 0 &&
			q.read(&w.request, t, set, d.data, d.from.Addr(), now)
		if w.known[n] && q.addr.IsValid() {
			q.spot = &w.spots[len(addrs)]
			addrs = append(addrs, q.addr)
		}
	}
	if len(addrs) > 0 {
		set.Locate(addrs, w.spots[:])
	}
}

// message has the message path answer.
func (w *worker) message(d *datagram) {
	answer, _ := w.server.answer(w.large[:0], d.data, Peer{Addr: d.from, Over: UDP}, w.count)
	if answer == nil {
		d.data = nil
		return
	}
	w.large = answer
	d.data = append(d.data[:0], answer...)
}
