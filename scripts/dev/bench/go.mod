// The benchmark is a module of its own: what it needs is no business of those who build dnsbld.
module dnsbld/scripts/dev/bench

go 1.26.0

require (
	dnsbld v0.0.0
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/emersion/go-message v0.18.2 // indirect
	github.com/gaissmai/bart v0.30.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace dnsbld => ../../..
