using Hive.Common.Doors;

namespace Hive.Features.Turns;

/// <summary>The doors of turns and harnesses. What agents have here says what they did; what is to be done is the
/// operator's to say.</summary>
internal sealed class TurnsModule : FeatureModule
{
    public TurnsModule()
    {
        Agent<BeginTurn.Command>("begin_turn");
        Agent<EndTurn.Command>("end_turn");
        Agent<RequeueInflight.Command>("requeue_inflight");
        Agent<Emit.Command>("emit");
        Agent<ReportHarness.Command>("report_harness");
        Agent<NextControls.Command>("controls");
        Get<GetHarness.Query>("/api/agents/{name}/harness");
        Get<ListEvents.Query>("/api/agents/{name}/events");
        Get<ListTurns.Query>("/api/agents/{name}/turns");
        Get<GetStats.Query>("/api/stats");
        Get<GetPrices.Query>("/api/prices");
        Post<SetPrices.Command>("/prices");
        Post<CancelTurn.Command>("/api/agents/{name}/cancel-turn");
        Post<CompactContext.Command>("/api/agents/{name}/compact");
        Post<NewSession.Command>("/api/agents/{name}/new-session");
        Post<SetModel.Command>("/api/agents/{name}/model");
        Post<StartLogin.Command>("/api/agents/{name}/login");
        Post<SendLoginCode.Command>("/api/agents/{name}/login-code");
        Host<GetHarness.Query>("harness");
        Host<ListTurns.Query>("turns");
        Host<GetStats.Query>("stats");
        Host<CancelTurn.Command>("cancel_turn");
        Host<CompactContext.Command>("compact");
        Host<NewSession.Command>("new_session");
        Host<SetModel.Command>("set_model");
        Host<StartLogin.Command>("login");
        Host<SendLoginCode.Command>("login_code");
    }
}
