package main

import (
	"context"
	"errors"
	"sync/atomic"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// probes counts what became of them.
type probes struct{ taken, refused atomic.Int64 }

func (p *probes) count() ctl.ProbeCount {
	return ctl.ProbeCount{Taken: p.taken.Load(), Refused: p.refused.Load()}
}

// probe hands a session with a probe recipient to the desk: proof of who
// controls a listed address. Strangers write such recipients as they like: one
// that is not good is counted, no more.
func (s *sensor) probe(ctx context.Context, r mta.Report, v helo.Verdict) {
	at := s.desk.Load()
	if at == nil || !at.IsProbe(r.Probe) {
		return
	}
	taken, err := at.Probe(ctx, sensorActor, desk.Probe{Time: r.Time, Client: r.Client, Recipient: r.Probe, Verdict: v})
	switch {
	case taken:
		s.probes.taken.Add(1)
		s.log.Info("a probe is proof", "client", r.Client, "receiver", r.Receiver, "verdict", v.Code)
	case errors.Is(err, listing.ErrPolicy):
		s.probes.refused.Add(1)
	case err != nil && ctx.Err() == nil:
		s.trouble.say("a probe cannot be noted", err)
	}
}
