using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Forge.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Forge;

/// <summary>The git forge: agents' accounts, and the repositories that are pushed there.</summary>
internal sealed class ForgeModule : FeatureModule
{
    public ForgeModule()
    {
        Uses(nameof(Agents), nameof(StateFiles), nameof(Messages), nameof(Meta), nameof(Approvals));
        Schema<ForgeSchema>();
        Event<ForgeView>("forge_changed", "forge");
        Section<ForgeSection>();
        Waiting<WaitingForge>();
        Check<ForgeCheck>();
        Host<ShowForge.Query>("forge_status");
        Host<WaitForSync.Command>("forge_sync");
        Post<SyncForge.Command>("/api/forge/sync", alias: "/forge/sync");
        PostSigned<HearForge.Result>(
            "/forge/webhook",
            http => http.RequestServices.GetRequiredService<Webhook>().Receive(http)
        );
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<ForgeSettings>()
            .AddSingleton<ForgeApi>()
            .AddSingleton<HttpAdmin>()
            .AddSingleton<ContainerAdmin>()
            .AddSingleton<CoreToken>()
            .AddSingleton<ForgeRepositories>()
            .AddSingleton<IForgeFetch, ForgeFetch>()
            .AddSingleton<WebhookSecret>()
            .AddSingleton<Webhook>()
            .AddSingleton<ForgeHook>()
            .AddSingleton<ForgeStatus>()
            .AddSingleton<ForgeQueue>()
            .AddSingleton<ForgeConnection>()
            .AddSingleton<CoreAccount>()
            .AddSingleton<ForgeTasks>()
            .AddSingleton<ForgeRound>()
            .AddHostedService<ForgeWorker>();
}
