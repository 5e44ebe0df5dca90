-- GETs of which each demands the next of as many policies as the argument says: `wrk ... -- 1000`.
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
dofile(here .. "/report.lua")

local requests, next_one = {}, 0

function init(arguments)
    for number = 0, tonumber(arguments[1]) - 1 do
        requests[number] = wrk.format("GET", wrk.path, {["Host"] = "bench.test", ["Privacy-Policy"] = "policy-" .. number})
    end
end

function request()
    next_one = (next_one + 1) % (#requests + 1)
    return requests[next_one]
end
