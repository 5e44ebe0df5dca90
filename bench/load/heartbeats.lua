-- Heartbeats of as many backends as the argument says, in turn: `wrk ... -- 10000`.
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
dofile(here .. "/report.lua")

local requests, next_one = {}, 0

function init(arguments)
    for number = 0, tonumber(arguments[1]) - 1 do
        requests[number] = wrk.format("POST", wrk.path .. "/backend-" .. number .. "/heartbeat", {["Host"] = "bench.test"}, '{"load":0.5}')
    end
end

function request()
    next_one = (next_one + 1) % (#requests + 1)
    return requests[next_one]
end
