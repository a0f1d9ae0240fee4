using Carter;
using Hive.Common.Backups;
using Hive.Common.Doors;
using Hive.Common.Git;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Hive.Common;

/// <summary>Registers the services that every feature needs: the event hub, the doors, git, Carter.</summary>
public static class CommonRegistration
{
    /// <summary>Registers it, with exactly these features' modules.</summary>
    public static IServiceCollection AddHiveCommon(
        this IServiceCollection services,
        string version,
        params Type[] modules
    )
    {
        services.AddSingleton(_ => new EventHub());
        services.AddSingleton<IBackupPart, DatabaseBackup>();
        services.AddSingleton<AgentHubs>();
        services.AddSingleton<ICommitObserver, DashboardForwarder>();
        services.AddSingleton<WrongKeys>();
        services.AddSingleton<SignedRoutes>();
        services.AddSingleton(_ => new GitProgram());
        services.AddSingleton<GitQuarantine>();
        services.AddSingleton<SocketDoors>();
        services.AddSingleton<ToolCatalog>();
        services.AddSingleton(provider => new Lazy<SocketDoors>(provider.GetRequiredService<SocketDoors>));
        services.AddSingleton(provider => new Lazy<IOperatorKeys>(provider.GetRequiredService<IOperatorKeys>));
        services.AddSingleton(provider => new Lazy<IEnumerable<IConnectionObserver>>(
            provider.GetServices<IConnectionObserver>
        ));
        services.AddSingleton(provider => new Lazy<IEnumerable<ICommitObserver>>(
            provider.GetServices<ICommitObserver>
        ));
        services.AddSingleton(provider => new OpenApiDocument(
            provider.GetServices<FeatureModule>(),
            provider.GetServices<IComposedSchema>(),
            version
        ));
        services.AddCarter(
            options => options.OpenApi.Enabled = false,
            new NoAssemblies(),
            carter => carter.WithModules(modules)
        );
        // Carter makes a module anew for each request; ours hold no state of a request, so one of each is enough.
        services.RemoveAll<CarterModule>();
        foreach (var module in modules)
        {
            services.RemoveAll(module);
            services.AddSingleton(module);
            services.AddSingleton(typeof(FeatureModule), provider => provider.GetRequiredService(module));
            services.AddSingleton(typeof(CarterModule), provider => provider.GetRequiredService(module));
        }
        return services;
    }

    // Modules are listed, not looked for.
    private sealed class NoAssemblies : DependencyContextAssemblyCatalog
    {
        public override IReadOnlyCollection<System.Reflection.Assembly> GetAssemblies() => [];
    }
}
