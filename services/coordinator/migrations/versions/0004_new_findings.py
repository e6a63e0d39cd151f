"""coordinator: findings told after the first paper are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Expands the schema."""
    op.add_column('case', sa.Column('new_findings', sa.Integer(), server_default='0', nullable=False),
                  schema='coordinator')
    op.create_index('case_new_findings', 'case', ['new_findings'], unique=False, schema='coordinator',
                    postgresql_where='new_findings > 0')


def downgrade() -> None:
    """Takes it back."""
    op.drop_index('case_new_findings', table_name='case', schema='coordinator')
    op.drop_column('case', 'new_findings', schema='coordinator')
