using System.Text.Json;
using Hive.Common.Doctor;
using Hive.Common.Notifications;
using Hive.Features;
using Hive.Features.Doctor;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;
using Microsoft.Extensions.Hosting.Internal;

namespace Hive.Host.Doctor;

/// <summary>Runs the checks without a host: with the configuration it would have, and nothing locked, created or
/// opened.</summary>
internal static class Checkup
{
    /// <summary>The argument that runs the checks instead of a host.</summary>
    public const string Flag = "--doctor";

    /// <summary>Writes the findings as one line of JSON.</summary>
    /// <returns>The exit code: 0 when nothing is wrong, else 1.</returns>
    public static async Task<int> Run(string[] args, TextWriter output)
    {
        var diagnosis = await Examine(args);
        await output.WriteLineAsync(JsonSerializer.Serialize(diagnosis, WireJson.Options));
        return diagnosis.Healthy ? 0 : 1;
    }

    /// <summary>The host's own checks, beside those of the features.</summary>
    public static IServiceCollection AddHostChecks(this IServiceCollection services) =>
        services
            .AddSingleton<ICheck, StorageCheck>()
            .AddSingleton<ICheck, FoldersCheck>()
            .AddSingleton<ICheck, PortCheck>();

    private static async Task<Diagnosis> Examine(string[] args)
    {
        var read = ReadOptions.All(args);
        Finding[] wrong =
        [
            .. read.Faults.Select(fault => new Finding("configuration", "settings", FindingState.Failed, fault)),
        ];
        if (read.Paths is not { } paths)
            return Diagnosis.Of(wrong);
        var builder = HiveApp.CreateBuilder(read);
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(read.Options)
            .AddSingleton(TimeProvider.System)
            .AddSingleton(paths)
            .AddSingleton<IHostApplicationLifetime, ApplicationLifetime>()
            .AddHiveFeatures()
            .AddHostChecks()
            .AddSingleton<IWaitingReports>(new NoList())
            .BuildServiceProvider();
        var diagnosis = await services.GetRequiredService<IMediator>().Send(new Diagnose.Query());
        return Diagnosis.Of([.. wrong, .. diagnosis.Findings]);
    }

    // Without a host nobody sees what waits, and there is no store to keep it in.
    private sealed class NoList : IWaitingReports, IWaitingChanges
    {
        public IWaitingChanges Of(IWaiting kind) => this;

        public void Put(WaitingThing thing) { }

        public void Remove(string id) { }
    }
}
