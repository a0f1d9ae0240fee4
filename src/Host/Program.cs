using Hive.Common.Linux;
using Hive.Host;
using Hive.Host.Doctor;
using Hive.Host.Restore;
using Microsoft.Extensions.DependencyInjection.Extensions;

// Replaces the caller's mask: git, log pumps and agents inherit this one.
LinuxProcess.KeepFilesPrivate();
if (args is [Checkup.Flag, .. var flags])
    return await Checkup.Run(flags, Console.Out);
if (args is [RestoreCommand.TryFlag, var tried])
    return await RestoreCommand.Try(tried, Console.Out, Console.Error);
try
{
    if (args is [RestoreCommand.Flag, var backup, .. var others])
    {
        var replaces = others is [RestoreCommand.ReplaceFlag, ..];
        others = replaces ? others[1..] : others;
        await RestoreCommand.Run(backup, replaces, others, Console.Out);
        args = others;
    }

    // A person gets a quiet screen, and the log is in a file; other readers of the output get the log itself.
    using var news = Console.IsOutputRedirected ? null : new News(Console.Out, TimeProvider.System);
    var app = await HiveApp.Build(
        args,
        services =>
        {
            if (news is null)
                return;
            services.RemoveAll<ILoggerProvider>();
            services.AddSingleton<ILoggerProvider>(p => ActivatorUtilities.CreateInstance<HostLog>(p));
            services.AddSingleton<ILoggerProvider>(news);
        }
    );
    await HiveApp.Start(app);
    await using var announcement = new StringWriter();
    HiveApp.Announce(app, announcement, news is not null);
    if (news is null)
        Console.Out.Write(announcement);
    else
        news.Say(announcement.ToString().TrimEnd('\n') + "\n");
    await app.WaitForShutdownAsync();
    await app.DisposeAsync();
    return 0;
}
catch (StartupProblem problem)
{
    await Console.Error.WriteLineAsync($"hive-host: {problem.Message}");
    return 1;
}
catch (Exception e)
{
    // Nobody has foreseen it; the operator still needs to know where to begin.
    await Console.Error.WriteLineAsync(
        $"hive-host: Hive ended because of an error inside of it: {e.Message} If the data folder was changed by hand, "
            + $"restore a backup with `hive up --restore FILE`; else report this error:\n{e}"
    );
    return 1;
}
