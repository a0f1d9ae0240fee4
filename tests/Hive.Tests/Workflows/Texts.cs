namespace Hive.Tests.Workflows;

/// <summary>Workflows as text.</summary>
internal static class Texts
{
    /// <summary>A small workflow without faults.</summary>
    public const string Small = """
        name: small
        phases:
          - id: PHASE_OPEN
            name: Open
            allowed_transitions: [PHASE_WORK]
            next: PHASE_WORK
          - id: PHASE_WORK
            name: Work
            allowed_transitions: [PHASE_END]
            tasks:
              - type: think
                title: "Think: {ticket_title}"
              - type: make
                title: Make
                depends_on: [think]
          - id: PHASE_END
            name: End
            terminal: true
        board_columns:
          - { id: open, name: Open, phase_mapping: [PHASE_OPEN] }
          - { id: work, name: Work, phase_mapping: [PHASE_WORK], wip_limit: 2, auto_transition_to: end }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }

        """;

    /// <summary>The workflow from an idea to main, which the plan of tickets is told with.</summary>
    public static string Ship { get; } = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "ship.yaml"));

    /// <summary>A file with the keys, phases, transitions and columns of upstream's own; the prose is ours.</summary>
    public const string Upstreams = """
        name: Software Development
        has_result: true
        result_criteria: All parts are built, tested and deployed
        on_result_found: stop_all
        phases:
          - id: PHASE_REQUIREMENTS
            name: Requirements
            description: Finding out what is wanted
            sequence_order: 1
            allowed_transitions: [PHASE_DESIGN, PHASE_BLOCKED]
            is_terminal: false
            done_definitions: [Parts are named, A task exists for each part, Doubts are settled, Sources are read]
            expected_outputs:
              - type: documentation
                pattern: "docs/requirements/*.md"
                required: true
              - type: task
                pattern: "A task for each part"
                required: true
            phase_prompt: |
              ROLE: analyst

              1. Read the source.
              2. When you discover a part, make a task for it.
            next_steps_guide: ["Design follows"]
          - id: PHASE_IMPLEMENTATION
            name: Implementation
            sequence_order: 3
            allowed_transitions: [PHASE_TESTING, PHASE_REQUIREMENTS, PHASE_BLOCKED]
            is_terminal: false
            done_definitions: [Code is made, Tests are made, Tests pass, It is reviewed, A testing task exists]
            expected_outputs:
              - type: file
                pattern: "src/**/*"
              - type: test
                pattern: "tests/**/*"
                required: true
                validation_rule: "min_passing: 3"
            phase_prompt: Build it.
            next_steps_guide: []
            configuration: {}
          - id: PHASE_TESTING
            name: Testing
            sequence_order: 4
            allowed_transitions: [PHASE_DEPLOYMENT, PHASE_IMPLEMENTATION, PHASE_BLOCKED]
            expected_outputs:
              - type: test
                pattern: "tests/**/*"
              - type: task
                pattern: "A task to deploy"
          - id: PHASE_DEPLOYMENT
            name: Deployment
            sequence_order: 5
            allowed_transitions: [PHASE_DONE, PHASE_BLOCKED]
            expected_outputs:
              - type: deployment
                pattern: "A running service"
          - id: PHASE_DONE
            name: Done
            sequence_order: 6
            allowed_transitions: []
            is_terminal: true
          - id: PHASE_BLOCKED
            name: Blocked
            sequence_order: 7
            allowed_transitions: [PHASE_REQUIREMENTS, PHASE_IMPLEMENTATION, PHASE_TESTING]
            is_terminal: true
        board_columns:
          - id: backlog
            name: "📋 Backlog"
            description: Not begun
            sequence_order: 0
            phase_mapping: [PHASE_BACKLOG]
            wip_limit: null
            is_terminal: false
            auto_transition_to: null
            color_theme: gray
          - id: analyzing
            name: "🔍 Analyzing"
            sequence_order: 1
            phase_mapping: [PHASE_REQUIREMENTS, PHASE_DESIGN]
            wip_limit: 5
            color_theme: blue
          - id: building
            name: "🔨 Building"
            sequence_order: 2
            phase_mapping: [PHASE_IMPLEMENTATION]
            wip_limit: 10
            auto_transition_to: testing
            color_theme: yellow
          - id: testing
            name: "🧪 Testing"
            sequence_order: 3
            phase_mapping: [PHASE_TESTING]
            wip_limit: 8
            color_theme: blue
          - id: deploying
            name: "🚀 Deploying"
            sequence_order: 4
            phase_mapping: [PHASE_DEPLOYMENT]
            wip_limit: 3
            auto_transition_to: done
            color_theme: green
          - { id: done, name: "✅ Done", sequence_order: 5, phase_mapping: [PHASE_DONE], is_terminal: true }
          - { id: blocked, name: "🚫 Blocked", sequence_order: 6, phase_mapping: [PHASE_BLOCKED], is_terminal: true }

        """;
}
