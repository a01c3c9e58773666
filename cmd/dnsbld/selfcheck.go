package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"

	"dnsbld/listing/helo"
	"dnsbld/listing/report"
	"dnsbld/zone"
)

// serials asks the name servers of all zones, at once: those with addresses in
// the configuration there, others where the system's resolver finds them.
func (d *dnsbld) serials(ctx context.Context) []report.ServerSerial {
	var answers []*report.ServerSerial
	var asking sync.WaitGroup
	for _, z := range d.cfg.Load().Zone.Lists() {
		for _, ns := range z.NS {
			answer := &report.ServerSerial{Zone: z.Name, Server: ns.Name}
			answers = append(answers, answer)
			asking.Go(func() { answer.Serial, answer.Err = ns.Serial(ctx, z.Name) })
		}
	}
	asking.Wait()
	all := make([]report.ServerSerial, len(answers))
	for i, a := range answers {
		all[i] = *a
	}
	return all
}

// doctor looks at a zone from outside, by the sensor's resolver or else the system's.
func (d *dnsbld) doctor(ctx context.Context, z report.Zone) []report.Check {
	resolver := d.cfg.Load().Mail.Resolver
	if !resolver.IsValid() {
		resolver = zone.SystemResolver("/etc/resolv.conf")
	}
	return report.Doctor(ctx, report.Patient{Zone: z, Ask: zone.Ask, Resolver: resolver, Now: d.book.Now()})
}

// mailServers asks the sensor's resolver where mail for a domain goes.
func (d *dnsbld) mailServers(ctx context.Context, domain string) ([]netip.Addr, error) {
	servers, status := d.mail.checker.Load().MailServers(ctx, domain)
	switch status {
	case helo.OK:
		return servers, nil
	case helo.Unchecked:
		return nil, errors.New("there is no resolver: set sensor.resolver")
	case helo.TempError:
		return servers, errors.New("the resolver does not say all of it")
	}
	return nil, fmt.Errorf("%s has no mail server in DNS", domain)
}

// criteria holds what the page of criteria says against what the sensor and the
// desk go by: a reload that stopped half way would part them.
func (d *dnsbld) criteria() error {
	published, running := d.web.server.Thresholds(), d.mail.Thresholds()
	for reason, t := range running {
		if !reflect.DeepEqual(published[reason], t) {
			return fmt.Errorf("the threshold of %s", d.book.Rules().Reasons.Symbol(reason))
		}
	}
	if len(published) != len(running) {
		return errors.New("a threshold that is not in force is published")
	}
	return nil
}
