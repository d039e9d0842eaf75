module lkctl.test/sdks

go 1.26

require github.com/livekit/protocol v1.50.5-0.20260728075222-28e604c046c6
