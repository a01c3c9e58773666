package server

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
)

// Groups of the tests, by number: the host need not have them.
const operators, supporters, readers = 4201, 4202, 4203

func someRoles() listing.Roles {
	return listing.Roles{Operator: []string{"4201"}, Support: []string{"4202"}, Reader: []string{"4203"}}
}

// withRoles has the Book bind people to someRoles.
func withRoles(c *Config) { setRoles(c, someRoles()) }

func setRoles(c *Config, roles listing.Roles) {
	rules := c.Book.Rules()
	rules.Roles = roles
	c.Book.SetRules(rules)
}

func member(name string, groups ...uint32) listing.Caller {
	return listing.Caller{UID: 1001, Name: name, Groups: groups}
}

// everybody are a caller of each role.
var everybody = map[listing.Role]listing.Caller{
	listing.Operator: member("olga", operators), listing.Support: member("sam", 100, supporters), listing.Reader: member("rita", readers), listing.Nobody: member("ned", 100),
}

// asking records which endpoints a client asks.
type asking struct {
	*inProcess
	asked map[string]bool
}

func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	_, pattern := a.server.mux.Handler(r)
	a.asked[pattern] = true
	return a.inProcess.RoundTrip(r)
}

// verbs are all that can be asked of a Server, and the least role that may.
func verbs(t *testing.T) []verb {
	host := subject("192.0.2.7")
	return []verb{
		{"show", listing.Reader, func(c *ctl.Client) error { _, err := c.Show(t.Context(), host); return err }},
		{"list", listing.Reader, func(c *ctl.Client) error { return drain(c.List(t.Context(), report.Query{})) }},
		{"export", listing.Reader, func(c *ctl.Client) error {
			_, err := c.Export(t.Context(), ctl.Export{Format: "plain", Zone: "", Query: report.Query{}}, io.Discard)
			return err
		}},
		{"history", listing.Reader, func(c *ctl.Client) error { _, err := c.History(t.Context(), host); return err }},
		{"history --at", listing.Reader, func(c *ctl.Client) error {
			_, err := c.HistoryAt(t.Context(), ctl.At{Subject: host, Time: noon})
			return err
		}},
		{"allow list", listing.Reader, func(c *ctl.Client) error { _, err := c.Allows(t.Context(), listing.Subject{}); return err }},
		{"reasons", listing.Reader, func(c *ctl.Client) error { _, err := c.Reasons(t.Context()); return err }},
		{"source list", listing.Reader, func(c *ctl.Client) error { _, err := c.Sources(t.Context(), true); return err }},
		{"propose list", listing.Reader, func(c *ctl.Client) error { _, err := c.Proposals(t.Context(), false); return err }},
		{"stats", listing.Reader, func(c *ctl.Client) error { _, err := c.Stats(t.Context()); return err }},
		{"status", listing.Reader, func(c *ctl.Client) error { _, err := c.Status(t.Context()); return err }},
		{"watch", listing.Reader, func(c *ctl.Client) error { return drain(c.Watch(t.Context(), ctl.Watch{Once: true})) }},
		{"audit verify", listing.Reader, func(c *ctl.Client) error { _, err := c.Audit(t.Context(), ctl.Audit{}); return err }},
		{"simulate", listing.Reader, func(c *ctl.Client) error {
			_, err := c.Simulate(t.Context(), ctl.None{}, strings.NewReader(""))
			return err
		}},
		{"selfcheck", listing.Reader, func(c *ctl.Client) error { _, err := c.Selfcheck(t.Context()); return err }},
		{"doctor", listing.Reader, func(c *ctl.Client) error { _, err := c.Doctor(t.Context(), "bl.test"); return err }},
		{"eligibility", listing.Reader, func(c *ctl.Client) error { _, err := c.Eligibility(t.Context(), host.Addr()); return err }},
		{"triage", listing.Reader, func(c *ctl.Client) error {
			_, err := c.Triage(t.Context(), ctl.None{}, strings.NewReader("192.0.2.7"))
			return err
		}},
		{"letter", listing.Reader, func(c *ctl.Client) error {
			_, err := c.Letter(t.Context(), ctl.LetterQuery{Address: host.Addr(), Ticket: ""})
			return err
		}},
		{"letter --verify", listing.Reader, func(c *ctl.Client) error { _, err := c.Reference(t.Context(), "L-A"); return err }},
		{"ticket list", listing.Reader, func(c *ctl.Client) error { _, err := c.Tickets(t.Context(), removal.Query{}); return err }},
		{"ticket show", listing.Reader, func(c *ctl.Client) error { _, err := c.Ticket(t.Context(), "T-1"); return err }},
		{"ticket stats", listing.Reader, func(c *ctl.Client) error { _, err := c.TicketStats(t.Context()); return err }},
		{"request", listing.Support, func(c *ctl.Client) error {
			_, err := c.Request(t.Context(), ctl.DeskRequest{Address: "192.0.2.7"})
			return err
		}},
		{"ticket open", listing.Support, func(c *ctl.Client) error {
			_, err := c.OpenTicket(t.Context(), ctl.TicketCommand{Address: "192.0.2.7"})
			return err
		}},
		{"ticket note", listing.Support, func(c *ctl.Client) error {
			_, err := c.TakeTicket(t.Context(), ctl.TicketStep{Name: "T-1", Action: removal.Action{Verb: "note"}})
			return err
		}},
		{"person export", listing.Support, func(c *ctl.Client) error {
			_, err := c.ExportPerson(t.Context(), ctl.Person{Mail: "a@sender.example"})
			return err
		}},
		{"person erase", listing.Support, func(c *ctl.Client) error {
			_, err := c.ErasePerson(t.Context(), ctl.Person{Mail: "a@sender.example"})
			return err
		}},
		{"delist", listing.Support, func(c *ctl.Client) error {
			_, err := c.Delist(t.Context(), listing.Delist{Subject: host, Because: listing.FixedClaimed})
			return err
		}},
		{"add", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Add(t.Context(), listing.Add{Subject: host, Reason: "manual"})
			return err
		}},
		{"expire", listing.Operator, func(c *ctl.Client) error { _, err := c.Expire(t.Context(), listing.Expire{Subject: host}); return err }},
		{"allow add", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Permit(t.Context(), listing.Permit{Subject: host, Owner: "postmaster"})
			return err
		}},
		{"import", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Import(t.Context(), ctl.Import{Reason: "imported", Import: listing.Import{Source: "feed"}}, strings.NewReader("192.0.2.7\n"))
			return err
		}},
		{"observe", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Observe(t.Context(), ctl.None{}, strings.NewReader(""))
			return err
		}},
		{"receiver list", listing.Reader, func(c *ctl.Client) error { _, err := c.Receivers(t.Context()); return err }},
		{"receiver accept", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Accept(t.Context(), ctl.AcceptReceiver{Name: "mx1"})
			return err
		}},
		{"source set", listing.Operator, func(c *ctl.Client) error {
			url := "https://feed.example/"
			_, err := c.SetSource(t.Context(), listing.SetSource{Name: "feed", URL: &url})
			return err
		}},
		{"source drop", listing.Operator, func(c *ctl.Client) error {
			_, err := c.DropSource(t.Context(), ctl.DropSource{Name: "feed", Note: ""})
			return err
		}},
		{"undo", listing.Operator, func(c *ctl.Client) error { _, err := c.Undo(t.Context(), ctl.Undo{Revision: 1}); return err }},
		{"propose", listing.Operator, func(c *ctl.Client) error {
			_, err := c.Propose(t.Context(), ctl.Propose{Expire: &listing.Expire{Subject: host}})
			return err
		}},
		{"approve", listing.Operator, func(c *ctl.Client) error { _, err := c.Approve(t.Context(), ctl.Decide{ID: "p-none"}); return err }},
		{"propose withdraw", listing.Operator, func(c *ctl.Client) error { _, err := c.Withdraw(t.Context(), ctl.Decide{ID: "p-none"}); return err }},
		{"compact", listing.Operator, func(c *ctl.Client) error { _, err := c.Compact(t.Context(), ctl.None{}); return err }},
		{"rebuild", listing.Operator, func(c *ctl.Client) error { _, err := c.Rebuild(t.Context(), ctl.Rebuild{}); return err }},
		{"restore", listing.Operator, func(c *ctl.Client) error { _, err := c.Restore(t.Context(), ctl.Restore{}); return err }},
		{"backup", listing.Operator, func(c *ctl.Client) error { _, err := c.Backup(t.Context(), ctl.None{}, io.Discard); return err }},
	}
}

type verb struct {
	name  string
	least listing.Role
	do    func(*ctl.Client) error
}

// Every verb, for every role: who may not is told so before anything else, and
// which group may.
func TestRoles(t *testing.T) {
	h := newHouse(t, withRoles)
	asked := map[string]bool{}
	for _, verb := range verbs(t) {
		for role, who := range everybody {
			err := verb.do(ctl.Over(&asking{&inProcess{h.server, who}, asked}))
			e, _ := errors.AsType[*listing.Error](err)
			switch refused := e != nil && e.Code == "role"; {
			case refused && !errors.Is(err, listing.ErrPolicy):
				t.Errorf("%s by %s: refused as %v", verb.name, role, e.Kind)
			case refused != (role < verb.least):
				t.Errorf("%s by %s: %v", verb.name, role, err)
			case refused && !strings.Contains(e.Message, map[listing.Role]string{listing.Reader: "4203", listing.Support: "4202", listing.Operator: "4201"}[verb.least]):
				t.Errorf("%s by %s does not name the group that may: %s", verb.name, role, e.Message)
			}
		}
		if err := verb.do(h.as(listing.Caller{Name: "root"})); err != nil {
			if e, _ := errors.AsType[*listing.Error](err); e == nil || e.Code == "role" {
				t.Errorf("%s by root: %v", verb.name, err)
			}
		}
	}
	for _, route := range ctl.Routes(&ctl.Client{}) {
		if pattern := route.Method + " " + route.Path; !asked[pattern] {
			t.Errorf("no verb of this test asks %s", pattern)
		}
	}
	status, body := post(t, h.serve(t), "GET", "/v1/nonsense", "")
	if status != http.StatusBadRequest || !strings.Contains(body, "unknown-endpoint") {
		t.Errorf("what there is not: %d %s", status, body)
	}
}

func drain[T any](rows iter.Seq2[T, error]) (failed error) {
	rows(func(_ T, err error) bool { failed = err; return err == nil })
	return failed
}

// Each line of the table is answered, and what changes something takes more than
// a reader.
func TestTableIsServed(t *testing.T) {
	var table ctl.Client
	routes := ctl.Routes(&table)
	for _, b := range newHouse(t).server.bindings(&table) {
		route, known := routes[b.endpoint]
		if !known {
			t.Fatalf("%T is answered, and is not in the table, or is answered twice", b.endpoint)
		}
		delete(routes, b.endpoint)
		if reads := route.Method == "GET" || route.Name == "Simulate" || route.Name == "Triage"; reads != (route.Role == listing.Reader) && route.Name != "Backup" {
			t.Errorf("%s takes %s", route.Name, route.Role)
		}
	}
	for _, route := range routes {
		t.Errorf("%s is not answered", route.Name)
	}
}

func TestSupportDelistsByTheRules(t *testing.T) {
	h := newHouse(t, withRoles)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip"})
	h.add(t, listing.Add{Subject: subject("192.0.2.8"), Reason: "manual"})
	h.add(t, listing.Add{Subject: subject("192.0.2.8"), Reason: "helo-bare-ip"})
	h.add(t, listing.Add{Subject: subject("192.0.2.0/24"), Reason: "helo-bare-ip", Force: true, Note: "x"})
	support := h.as(everybody[listing.Support])
	for name, c := range map[string]listing.Delist{
		"a range":       {Subject: subject("192.0.2.0/24"), Because: listing.FixedClaimed},
		"within":        {Subject: subject("192.0.2.7"), Within: true, Because: listing.FixedClaimed},
		"many":          {Subject: subject("192.0.2.7"), Because: listing.FixedClaimed, Options: listing.Options{MaxChanges: 500}},
		"appeal":        {Subject: subject("192.0.2.7"), Because: listing.AppealUpheld},
		"operator":      {Subject: subject("192.0.2.7"), Because: listing.OperatorChoice},
		"manual":        {Subject: subject("192.0.2.8"), Because: listing.FixedClaimed},
		"manual, named": {Subject: subject("192.0.2.8"), Reason: "127.0.0.20", Because: listing.FixedClaimed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := support.Delist(t.Context(), c)
			isKind(t, err, listing.ErrPolicy, "role")
		})
	}
	for _, c := range []listing.Delist{
		{Subject: subject("192.0.2.7"), Because: listing.FixedVerified},
		{Subject: subject("192.0.2.8"), Reason: "helo-bare-ip", Because: listing.FalsePositive},
	} {
		if out, err := support.Delist(t.Context(), c); err != nil || !out.Changed {
			t.Errorf("%+v: %+v, %v", c, out, err)
		}
	}
	_, err := support.Delist(t.Context(), listing.Delist{Subject: subject("192.0.2.7"), Because: "nonsense"})
	isKind(t, err, listing.ErrInvalid, "unknown-delist-reason")
}

func TestWithoutRolesEverybodyIsOperator(t *testing.T) {
	if r := roleOf(listing.Roles{}, everybody[listing.Nobody]); r != listing.Operator {
		t.Errorf("%s", r)
	}
	if r := roleOf(someRoles(), listing.Caller{Name: "root"}); r != listing.Operator {
		t.Errorf("root is %s", r)
	}
	for _, r := range []listing.Roles{{Reader: []string{"4203"}}, {Operator: []string{"no such group"}}} {
		if CheckRoles(r) == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
	if errs := CheckRoles(someRoles()); errs != nil {
		t.Error(errs)
	}
}

// roleSocket tells the child process of a test where to ask.
const roleSocket = "CTL_TEST_ROLE_SOCKET"

// The kernel says who connects, and in which groups he is.
func TestRolesOverTheSocket(t *testing.T) {
	if path := os.Getenv(roleSocket); path != "" {
		c := ctl.NewClient(path)
		_, look := c.Status(t.Context())
		_, delist := c.Delist(t.Context(), listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedClaimed})
		_, add := c.Add(t.Context(), listing.Add{Subject: subject("192.0.2.7"), Reason: "manual"})
		fmt.Printf("look %v\ndelist %v\nadd %v\n", look, delist, add)
		return
	}
	if os.Geteuid() != 0 {
		testOwnGroups(t)
		return
	}
	h := newHouse(t, withRoles)
	asDaemon := another(t, h.serve(t))
	for _, tt := range []struct {
		gid    uint32
		groups []uint32
		want   string
	}{
		{4000, nil, "look daemon has no role here: ask a member of group 4201 or 4202 or 4203\n"},
		{readers, nil, "look <nil>\ndelist that takes the role of support, and daemon is reader: ask a member of group 4201 or 4202\n"},
		{4000, []uint32{5000, supporters}, "look <nil>\ndelist <nil>\nadd that takes the role of operator, and daemon is support: ask a member of group 4201\n"},
		{4000, many(operators), "look <nil>\ndelist <nil>\nadd <nil>\n"},
	} {
		out, err := asDaemon(tt.gid, tt.groups)
		if err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("group %d %v: %v\n%swanted %s", tt.gid, tt.groups, err, out, tt.want)
		}
	}
}

// another runs this test again in a process of the user daemon, who may speak to a
// socket.
func another(t *testing.T, path string) func(gid uint32, groups []uint32) (out string, err error) {
	t.Helper()
	daemonUser, err := user.Lookup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(daemonUser.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(filepath.Dir(path), "child") // the one that runs lies where others may not look
	raw, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return func(gid uint32, groups []uint32) (string, error) {
		cmd := exec.Command(binary, "-test.run=^"+t.Name()+"$")
		cmd.Dir, cmd.Env = "/", append(os.Environ(), roleSocket+"="+path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: gid, Groups: groups}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// many are more groups than the first question to the kernel has room for.
func many(last uint32) []uint32 {
	var all []uint32
	for n := range uint32(200) {
		all = append(all, 10000+n)
	}
	return append(all, last)
}

// testOwnGroups is for who cannot become another: he has a role by the group he
// is in himself.
func testOwnGroups(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		setRoles(c, listing.Roles{Operator: []string{"4201"}, Reader: []string{strconv.Itoa(os.Getgid())}})
	})
	c := h.client(t)
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := c.Add(t.Context(), listing.Add{Subject: subject("192.0.2.7"), Reason: "manual"})
	isKind(t, err, listing.ErrPolicy, "role")
}
