using System.CommandLine;
using System.Net.Sockets;
using Hive.Cli;
using Hive.Cli.Demo;
using Hive.Cli.Terminal;
using Hive.Cli.Verbs;
using Hive.Protocol;

var root = new RootCommand("Hive runs a swarm of coding agents on this machine and keeps you in the loop.")
{
    UpVerb.Create(),
    DemoVerb.Create(),
    KeeperVerb.Create(),
    StatusVerb.Create(),
    ListVerb.Create(),
    SpawnVerb.Create(),
    RequestSpawnVerb.Create(),
    JoinVerb.Create(),
    StartVerb.Create(),
    StopVerb.Create(),
    RestartVerb.Create(),
    RebuildVerb.Create(),
    KillVerb.Create(),
    PauseVerb.Create(),
    ResumeVerb.Create(),
    DestroyVerb.Create(),
    PurgeVerb.Create(),
    PendingVerb.Create(),
    ApproveVerb.Create(),
    DenyVerb.Create(),
    SendVerb.Create(),
    InboxVerb.Create(),
    RetryVerb.Create(),
    RetryVerb.CreateDrop(),
    TurnsVerb.Create(),
    QuestionsVerb.Create(),
    AnswerVerb.Create(),
    RemindersVerb.Create(),
    LogsVerb.Create(),
    ForgeVerb.Create(),
    OpenVerb.Create(),
    DoctorVerb.Create(),
    BackupVerb.Create(),
    VersionVerb.Create(),
};
root.Options.Add(CommonOptions.RunDir);
CommandLine.AddHostFlagsToHelp(root);

// An argument that begins with @ is a name somebody typed as on the dashboard, not a file of further arguments.
var parsed = root.Parse(CommandLine.Normalized(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
if (CommandLine.Errors(parsed, root) is { Count: > 0 } errors)
{
    foreach (var error in errors)
        Console.Error.WriteLine($"hive: {Plain.OneLine(error)}");
    Console.Error.WriteLine(
        $"Try: hive {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help"
    );
    return ExitCode.Usage;
}

try
{
    return await parsed.InvokeAsync(
        new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
        }
    );
}
catch (HiveException refused)
{
    Console.Error.WriteLine($"hive: {Plain.Text(refused.Message)}");
    return ExitCode.Refused;
}
catch (UnreachableException unreachable)
{
    Console.Error.WriteLine($"hive: {Plain.Text(unreachable.Message)}");
    return ExitCode.Unreachable;
}
catch (UsageException usage)
{
    Console.Error.WriteLine($"hive: {Plain.Text(usage.Message)}");
    return ExitCode.Usage;
}
catch (OperationCanceledException)
{
    return ExitCode.Interrupted;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
{
    // Not a reader of our output that has gone (`hive logs x | head`): the console passes over that one error by
    // itself. A full disk, say.
    Console.Error.WriteLine($"hive: {Plain.Text(e.Message)}");
    return ExitCode.Refused;
}
