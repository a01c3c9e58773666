// The disk that fails is a module of its own: what it needs is no business of those who build dnsbld.
module dnsbld/scripts/dev/faultfs

go 1.26.0

require github.com/hanwen/go-fuse/v2 v2.12.1

require golang.org/x/sys v0.49.0 // indirect
