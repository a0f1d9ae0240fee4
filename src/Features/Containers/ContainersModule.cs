using Hive.Common.Doors;

namespace Hive.Features.Containers;

/// <summary>The doors of the containers.</summary>
internal sealed class ContainersModule : FeatureModule
{
    public ContainersModule()
    {
        ManagerTool<StartAgent.Command>("start", "Start an agent that does not run.", ToolHints.Idempotent);
        ManagerTool<StopAgent.Command>(
            "stop",
            "Stop an agent; its messages wait until it is started again.",
            ToolHints.Destructive | ToolHints.Idempotent
        );
        ManagerTool<RestartAgent.Command>("restart", "Stop an agent and start it again.", ToolHints.Destructive);
        ManagerTool<RebuildAgent.Command>(
            "rebuild",
            "Make everything about an agent what it should be and run it on its present configuration; "
                + "what came of it is told to you as 'rebuilt'.",
            ToolHints.Destructive
        );
        ManagerTool<GetLogs.Query>("get_logs", "What an agent's program has printed lately.", ToolHints.ReadOnly);
        Host<Spawn.Command>("spawn");
        Host<StartAgent.Command>("start");
        Host<StopAgent.Command>("stop");
        Host<RestartAgent.Command>("restart");
        Host<RebuildAgent.Command>("rebuild");
        Host<KillAgent.Command>("kill");
        Host<DestroyAgent.Command>("destroy");
        Host<PurgeTombstone.Command>("purge_tombstone");
        Host<FollowLogs.Query>("logs");
        Post<StartAgent.Command>("/start/{name}");
        Post<StopAgent.Command>("/stop/{name}");
        Post<RestartAgent.Command>("/restart/{name}");
        Post<RebuildAgent.Command>("/rebuild/{name}");
        Post<UpdateAll.Command>("/update-all");
        Post<KillAgent.Command>("/kill/{name}");
        Post<DestroyAgent.Command>("/destroy/{name}");
        Post<PurgeTombstone.Command>("/purge-tombstone/{name}");
        Get<ReadLogs.Query>("/api/logs/{name}");
        Get<Health.Query>("/health");
        Host<Health.Query>("version");
    }
}
