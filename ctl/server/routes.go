package server

import (
	"net/http"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// bindings are the handlers of all endpoints of the table.
func (s *Server) bindings(t *ctl.Client) []binding {
	return append(s.deskBindings(t),
		call(&t.Add, command(s, partsOfAdd, (*listing.Book).Add)),
		call(&t.Expire, command(s, partsOfExpire, (*listing.Book).Expire)),
		call(&t.Delist, command(s, partsOfDelist, (*listing.Book).Delist)),
		call(&t.Permit, command(s, partsOfPermit, (*listing.Book).Permit)),
		upload(&t.Import, s.imports),
		call(&t.SetSource, s.setSource), call(&t.DropSource, s.dropSource),
		call(&t.Undo, s.undo),

		call(&t.Propose, s.propose),
		call(&t.Proposals, s.proposals),
		call(&t.Approve, s.approve),
		call(&t.Withdraw, s.withdraw),

		call(&t.Show, s.show),
		stream(&t.List, s.list),
		download(&t.Export, s.export),
		call(&t.History, s.history),
		call(&t.HistoryAt, s.historyAt),
		call(&t.Allows, s.allows),
		get(&t.Reasons, s.reasons),
		call(&t.Sources, s.sources),

		get(&t.Stats, s.stats),
		get(&t.Status, s.status),
		get(&t.Selfcheck, s.selfcheck),
		call(&t.Doctor, s.doctor),
		stream(&t.Watch, s.watch),
		call(&t.Audit, s.audit),
		download(&t.Backup, s.backup),
		call(&t.Compact, s.compact),
		call(&t.Rebuild, s.rebuild),
		call(&t.Restore, s.restore),

		upload(&t.Triage, s.triage),
		upload(&t.Observe, s.observe),
		upload(&t.Simulate, s.simulate),
		get(&t.Receivers, s.receivers),
		call(&t.Accept, s.accept),
	)
}

// deskBindings are the handlers of the support desk, where there is one.
func (s *Server) deskBindings(t *ctl.Client) []binding {
	all := []binding{
		call(&t.Eligibility, s.eligibility),
		call(&t.Letter, s.letter),
		call(&t.Reference, s.reference),
		call(&t.Request, s.request),
		call(&t.OpenTicket, s.openTicket),
		call(&t.Ticket, s.ticket),
		call(&t.Tickets, s.tickets),
		get(&t.TicketStats, s.ticketStats),
		call(&t.TakeTicket, s.takeTicket),
		call(&t.ExportPerson, s.exportPerson),
		call(&t.ErasePerson, s.erasePerson),
	}
	for n, b := range all {
		all[n].handler = func(route ctl.Route) handler {
			h := b.handler(route)
			return func(w http.ResponseWriter, r *http.Request, who listing.Caller) error {
				if s.cfg.Desk == nil {
					return invalid("no-desk", "there is no support desk here", "ask a running dnsbld: leave --offline out")
				}
				return h(w, r, who)
			}
		}
	}
	return all
}

// invalid refuses a request that cannot be understood.
func invalid(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrInvalid, Code: code, Message: message, Hint: hint}
}

// unavailable refuses a request that this server cannot do now, or not at all.
func unavailable(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: code, Message: message, Hint: hint}
}
