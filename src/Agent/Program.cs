using System.CommandLine;
using Hive.Agent.Mcp;
using Hive.Agent.Probe;
using Hive.Agent.Serve;
using Hive.Agent.Wait;

var root = new RootCommand(
    "The harness of a Hive agent: what runs inside its container and speaks with the host over the agent's socket."
)
{
    ServeCommand.Create(),
    McpCommand.Create(),
    ProbeCommand.Create(),
    WaitCommand.Create(),
};

var parsed = root.Parse(args);

// Signals are the commands' own business: a running turn gets time to end.
var exit = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
if (parsed.Errors.Count == 0)
    return exit;
return parsed.CommandResult.Command.Name == WaitCommand.Name ? WaitCommand.UsageError : 2;
