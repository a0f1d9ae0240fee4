using Hive.Common;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes.ContainerApi;
using Hive.Runtimes.Limits;
using Hive.Runtimes.Local;
using Hive.Runtimes.Logs;
using Hive.Runtimes.Nixos;
using Hive.Runtimes.Programs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Runtimes;

/// <summary>Registers all runtimes.</summary>
internal static class RuntimesRegistration
{
    public static IServiceCollection AddRuntimes(this IServiceCollection services) =>
        services
            .AddSingleton<IRuntime, NixosRuntime>()
            .AddSingleton<IRuntime>(p => DaemonRuntime(p, ContainerDaemon.Podman))
            .AddSingleton<IRuntime>(p => DaemonRuntime(p, ContainerDaemon.Docker))
            .AddSingleton<IRuntime, NspawnRuntime>()
            .AddSingleton<IRuntime, SandboxRuntime>()
            .AddSingleton<IRuntime, ProcessRuntime>()
            .AddSingleton<RuntimeCatalog>()
            .AddSingleton(p => new HostPrograms(
                Environment.GetEnvironmentVariable("PATH"),
                p.GetRequiredService<HivePaths>()
            ))
            .AddSingleton<ClaudeCode>()
            .AddSingleton<SweepBell>()
            .AddSingletonAs<LocalProcesses, IHostedService>()
            .AddSingleton<ProcessWatch>()
            .AddSingleton<ResourceLimits>()
            .AddSingleton<ContainerLog>();

    private static ContainerApiRuntime DaemonRuntime(
        IServiceProvider services,
        Func<HiveOptions, ContainerDaemon> daemon
    ) =>
        ActivatorUtilities.CreateInstance<ContainerApiRuntime>(
            services,
            daemon(services.GetRequiredService<HiveOptions>())
        );
}
