using System.CommandLine;
using Hive.Agent.Mcp;
using Hive.Agent.Probe;
using Hive.Agent.Serve;
using Hive.Agent.Wait;

var root = new RootCommand(
    "The harness of a Hive agent: runs in its container and talks to the host over the agent's socket."
)
{
    ServeCommand.Create(),
    McpCommand.Create(),
    ProbeCommand.Create(),
    WaitCommand.Create(),
};

var parsed = root.Parse(args);

// The commands handle signals themselves, so that a running turn has time to end.
var exit = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
if (parsed.Errors.Count == 0)
    return exit;
return parsed.CommandResult.Command.Name == WaitCommand.Name ? WaitCommand.UsageError : 2;
