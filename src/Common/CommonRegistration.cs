using Carter;
using Hive.Common.Backups;
using Hive.Common.Doors;
using Hive.Common.Git;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Common;

/// <summary>Registers the services that every feature needs: the event hub, the doors, git, Carter.</summary>
public static class CommonRegistration
{
    /// <summary>Registers the services that all features share.</summary>
    /// <param name="services">The collection to add to.</param>
    /// <param name="version">The version in the OpenAPI document.</param>
    public static IServiceCollection AddHiveCommon(this IServiceCollection services, string version)
    {
        services
            .AddSingleton(provider => new EventNames(provider.GetServices<FeatureModule>().SelectMany(m => m.Events)))
            .AddSingleton(provider => new EventHub(names: provider.GetRequiredService<EventNames>()))
            .AddSingleton<AgentHubs>()
            .AddSingleton<AgentRowSignal>()
            .AddSingleton<ICommitObserver, DashboardForwarder>()
            .AddSingleton<ISchema, LeftoversSchema>()
            .AddSingletonAs<Leftovers, ICommitObserver>()
            .AddSingleton<IBackupPart, DatabaseBackup>()
            .AddSingleton<IRestorePart, DatabaseRestore>()
            .AddSingleton(_ => new GitProgram())
            .AddSingleton<GitQuarantine>()
            .AddSingleton<GitBundles>()
            .AddSingleton<Refusals>()
            .AddSingleton<WrongKeys>()
            .AddSingleton<SignedRoutes>()
            .AddSingleton(ShareSize.Default)
            .AddSingleton<SocketDoors>()
            .AddSingleton<ToolCatalog>()
            .AddSingleton(provider => new OpenApiDocument(
                provider.GetServices<FeatureModule>(),
                provider.GetServices<IComposedSchema>(),
                version
            ))
            // Observers know the doors and the store, which know the observers.
            .AddSingleton(Later<IConnectionObserver>)
            .AddSingleton(Later<ICommitObserver>)
            .AddCarter(options => options.OpenApi.Enabled = false, new NoAssemblies());
        return services;
    }

    /// <summary>Registers a slice: its doors and everything else its module declares.</summary>
    public static IServiceCollection AddModule(this IServiceCollection services, FeatureModule module)
    {
        services.AddSingleton(module.GetType(), module).AddSingleton(module).AddSingleton<CarterModule>(module);
        module.Register(services);
        return services;
    }

    private static Lazy<IEnumerable<T>> Later<T>(IServiceProvider provider) => new(provider.GetServices<T>);

    private sealed class NoAssemblies : DependencyContextAssemblyCatalog
    {
        public override IReadOnlyCollection<System.Reflection.Assembly> GetAssemblies() => [];
    }
}
