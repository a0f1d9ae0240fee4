using Hive.Common.Doors;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Forge;

/// <summary>The doors of the forge.</summary>
internal sealed class ForgeModule : FeatureModule
{
    public ForgeModule()
    {
        Host<ShowForge.Query>("forge_status");
        Host<WaitForSync.Command>("forge_sync");
        Post<SyncForge.Command>("/forge/sync");
        PostSigned<HearForge.Result>(
            "/forge/webhook",
            http => http.RequestServices.GetRequiredService<Webhook>().Receive(http)
        );
    }
}
